//! Whether a decision leaves something to write: each kind of change alone is something.

use domain::{
    Action, AuditEntry, Batch, BatchId, CardEvent, CardUuid, Changes, ClientUuid, Day, DaySubject,
    IdempotencyMac, Operation, OutboxRecord, ReplayKey, RequestId, StatusChange, Subject, TokenUuid, World,
};
use uuid::Uuid;

use super::words::*;

const NIL: Uuid = Uuid::nil();

fn sets() -> [fn(&mut Changes); 12] {
    [
        |changes| assert!(changes.new_cards.insert(CardUuid(NIL))),
        |changes| assert!(changes.changed_cards.insert(CardUuid(NIL))),
        |changes| assert!(changes.new_tokens.insert(TokenUuid(NIL))),
        |changes| assert!(changes.changed_tokens.insert(TokenUuid(NIL))),
        |changes| assert!(changes.new_locks.insert((CardUuid(NIL), id(0)))),
        |changes| assert!(changes.changed_locks.insert((CardUuid(NIL), id(0)))),
        |changes| assert!(changes.ended_locks.insert((CardUuid(NIL), id(0)))),
        |changes| assert!(changes.cleared_pin_tries.insert(CardUuid(NIL))),
        |changes| assert!(changes.changed_pin_tries.insert((CardUuid(NIL), ClientUuid(NIL)))),
        |changes| {
            assert!(changes.changed_day_counts.insert((DaySubject::Card(CardUuid(NIL)), Day(0))));
        },
        |changes| assert!(changes.changed_clients.insert(ClientUuid(NIL))),
        |changes| changes.account_changed = true,
    ]
}

fn lists() -> [fn(&mut Changes); 5] {
    [
        |changes| {
            let (card, event) = (CardUuid(NIL), CardEvent::Blocked);
            changes.status_changes.push(StatusChange { card, at: at(START_MS), event });
        },
        |changes| {
            let (id, created_at) = (BatchId(NIL), at(START_MS));
            changes.new_batches.push(Batch { id, currency: nok(), cards: 1, created_at, created_by: None });
        },
        |changes| {
            let (client, operation) = (ClientUuid(NIL), Operation::CreateCard);
            let key = IdempotencyMac { key_version: 1, mac: [0; 32] };
            changes.new_replays.push(ReplayKey { client, operation, key });
        },
        |changes| {
            let (at, request, subject) = (at(START_MS), RequestId(NIL), Subject::Account);
            let action = Action::ChangeSettings;
            changes.audit.push(AuditEntry { at, client: None, request, action, subject, note: None });
        },
        |changes| {
            let (at, request, action) = (at(START_MS), RequestId(NIL), Action::Drawdown);
            let (subjects, transactions) = (Vec::new(), Vec::new());
            changes.outbox.push(OutboxRecord { at, client: None, request, action, subjects, transactions });
        },
    ]
}

#[test]
fn each_kind_of_change_alone_is_something_to_write() {
    let mut bank = Bank::default();
    bank.make("a", 1);
    let sale = bank.draw(by_id("a"), "s", 1);
    let row = bank.row(drawdown(sale));
    let none = Changes::none(World::new(bank.store.account.clone()));
    assert!(none.is_empty());
    for (place, change) in sets().into_iter().chain(lists()).enumerate() {
        let mut changes = none.clone();
        change(&mut changes);
        assert!(!changes.is_empty(), "change {place}");
    }
    assert!(!Changes { new_transactions: vec![row], ..none }.is_empty());
}
