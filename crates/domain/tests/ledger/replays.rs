//! Answers with secrets, which can be had again for a day under the same key.

use domain::{
    Command, Decision, IdempotencyClaim, IdempotencyMac, Operation, Outcome, Refusal, ReplayKey, RequestMac,
};

use super::words::*;

const DAY_MS: i64 = 86_400_000;

fn claim(bank: &Bank, key: u8, request: u8) -> IdempotencyClaim {
    let client = domain::ClientUuid(uuid::Uuid::from_u128(bank.client));
    let key = IdempotencyMac { key_version: 1, mac: [key; 32] };
    IdempotencyClaim {
        key: ReplayKey { client, operation: Operation::RotatePin, key },
        request: RequestMac { key_version: 1, mac: [request; 32] },
        sealed: vec![request],
    }
}

fn ask(bank: &mut Bank, key: u8, request: u8, command: Command) -> Decision {
    let idempotency = Some(claim(bank, key, request));
    let order = domain::Order { idempotency, ..bank.order(command) };
    bank.store.carry_out(vec![order], at(bank.now_ms)).pop().expect("an answer")
}

fn with_rotation() -> Bank {
    let mut bank = Bank::default();
    bank.make_with_pin("a", 100);
    let rotate = bank.rotate("a", "111111");
    let first = ask(&mut bank, 1, 1, rotate);
    assert!(matches!(first, Ok(Outcome::PinRotated(_))));
    bank
}

#[test]
fn the_same_key_and_request_get_the_kept_answer_for_a_day() {
    for (late_ms, kept) in [(-1, true), (0, false), (1, false)] {
        let mut bank = with_rotation();
        bank.now_ms += DAY_MS + late_ms;
        let (told, rotate) = (bank.store.outbox.len(), bank.rotate("a", "222222"));
        match ask(&mut bank, 1, 1, rotate) {
            Ok(Outcome::Replayed(replay)) => {
                assert_eq!((replay.sealed, replay.created_at), (vec![1], at(START_MS)));
                assert!(kept && bank.store.outbox.len() == told, "nothing is done twice");
            }
            Ok(Outcome::PinRotated(_)) => assert!(!kept),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_same_key_with_another_request_is_refused() {
    let mut bank = with_rotation();
    let rotate = bank.rotate("a", "222222");
    assert_eq!(ask(&mut bank, 1, 2, rotate.clone()), Err(Refusal::IdempotencyKeyReused));
    assert!(matches!(ask(&mut bank, 2, 2, rotate), Ok(Outcome::PinRotated(_))), "another key is free");
}

#[test]
fn a_refused_order_keeps_no_answer() {
    let mut bank = with_rotation();
    let mut rotate = bank.rotate("a", "222222");
    let Command::RotatePin(unknown) = &mut rotate else { unreachable!() };
    unknown.card_id = card_id("unknown");
    assert_eq!(ask(&mut bank, 2, 1, rotate), Err(Refusal::CardNotFound));
    assert_eq!(bank.store.replays.len(), 1);
    let rotate = bank.rotate("a", "222222");
    assert!(matches!(ask(&mut bank, 2, 2, rotate), Ok(Outcome::PinRotated(_))));
}

#[test]
fn a_dead_client_gets_no_kept_answer() {
    let mut bank = with_rotation();
    let idempotency = Some(claim(&bank, 1, 1));
    let rotate = bank.rotate("a", "111111");
    bank.store.clients.values_mut().for_each(|client| client.generation = 1);
    let order = domain::Order { idempotency, ..bank.order(rotate) };
    let answer = bank.store.carry_out(vec![order], at(START_MS)).pop().expect("an answer");
    assert_eq!(answer, Err(Refusal::ClientGone));
}
