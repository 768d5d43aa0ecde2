//! What a request was sent with stands on its row, and the same request again is told that row.

use domain::{Capture, Command, Drawdown, Fund, Metadata, OriginatedBy, Transaction, TransactionType, Void};

use super::words::*;

fn till() -> Option<OriginatedBy> {
    Some(OriginatedBy::try_from("till 1").expect("an origin"))
}

fn metadata() -> Metadata {
    Metadata::from_json_object(r#"{"receipt":7}"#)
}

fn with_card() -> Bank {
    let mut bank = Bank::default();
    bank.make("a", 100);
    bank
}

fn sale(bank: &mut Bank) -> Drawdown {
    let sale = bank.draw(by_token("a"), "r", 10);
    Drawdown { originated_by: till(), metadata: metadata(), ..sale }
}

fn added(bank: &mut Bank) -> Fund {
    let fund = bank.fund(by_token("a"), "r", 10);
    Fund { originated_by: till(), metadata: metadata(), ..fund }
}

/// Carries a request out, and sees that the same again is told the same.
fn row(bank: &mut Bank, command: Command) -> Transaction {
    let row = bank.row(command.clone());
    assert_eq!(bank.row(command), row);
    assert_eq!((row.ref_id.clone(), row.metadata.clone()), (ref_id("r"), metadata()));
    row
}

#[test]
fn a_drawdown_keeps_its_token_and_origin() {
    let mut bank = with_card();
    let sale = sale(&mut bank);
    let row = row(&mut bank, drawdown(sale));
    let token = bank.store.tokens.values().next().expect("the card's token");
    assert_eq!((row.originated_by, row.token), (till(), Some(token.uuid)));
}

#[test]
fn a_fund_keeps_its_token_and_origin() {
    let mut bank = with_card();
    let added = added(&mut bank);
    let row = row(&mut bank, fund(added));
    let token = bank.store.tokens.values().next().expect("the card's token");
    assert_eq!((row.originated_by, row.token, row.parent), (till(), Some(token.uuid), None));
}

#[test]
fn a_refund_keeps_its_drawdown_and_origin() {
    let mut bank = with_card();
    let sale = Drawdown { ref_id: ref_id("s"), ..sale(&mut bank) };
    let parent = Some(bank.row(drawdown(sale)).id);
    let refund = Fund { parent, ..added(&mut bank) };
    let row = row(&mut bank, fund(refund));
    assert_eq!((row.originated_by, row.parent), (till(), parent));
}

#[test]
fn a_capture_and_a_void_keep_their_lock() {
    for is_capture in [true, false] {
        let mut bank = with_card();
        let lock = bank.lock(by_id("a"), "l", 10, None);
        let lock = bank.row(drawdown(lock)).id;
        let (id, reach, ref_id) = (id(7), domain::Reach::Own, ref_id("r"));
        let (command, kind, origin) = if is_capture {
            let capture = Capture {
                lock,
                reach,
                ref_id,
                id,
                amount: None,
                originated_by: till(),
                metadata: metadata(),
            };
            (Command::Capture(Box::new(capture)), TransactionType::Drawdown, till())
        } else {
            let void = Void { lock, reach, ref_id, id, metadata: metadata() };
            (Command::Void(Box::new(void)), TransactionType::Voided, None)
        };
        let row = row(&mut bank, command);
        assert_eq!((row.kind, row.originated_by, row.parent), (kind, origin, Some(lock)));
    }
}

#[test]
fn each_difference_makes_a_fund_another_one() {
    let mut bank = with_card();
    let sent = added(&mut bank);
    bank.row(fund(sent.clone()));
    let others = [
        Fund { amount: amount(11), ..sent.clone() },
        Fund { currency: sek(), ..sent.clone() },
        Fund { originated_by: None, ..sent },
    ];
    for other in others {
        assert_eq!(bank.refused(fund(other)), "REF_ID_REUSED");
    }
}

/// No two rows have one id, and none is the other with another time of writing.
#[test]
fn the_row_of_a_lock_that_ran_out_has_an_id_of_its_own() {
    let mut bank = with_card();
    let lock = bank.lock(by_id("a"), "l", 10, Some(10));
    let lock = bank.row(drawdown(lock)).id;
    bank.now_ms += 10_000;
    let sweep = bank.sweep();
    bank.done(sweep);
    let rows = bank.store.rows_of(bank.card("a").uuid);
    let expired = rows.last().expect("the expired row");
    assert_eq!((expired.kind, expired.parent), (TransactionType::Expired, Some(lock)));
    let random = |id: domain::TransactionId| id.0.into_bytes()[9..].to_vec();
    let turned: Vec<u8> = random(lock).into_iter().map(|byte| !byte).collect();
    assert_eq!(random(expired.id), turned);
}
