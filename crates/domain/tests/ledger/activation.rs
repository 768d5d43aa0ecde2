//! Many cards activated together.

use domain::{
    Activate, ActivateCards, Card, Command, CreateBatch, CustomerId, Metadata, Name, NewCard, NewToken,
    OriginatedBy, Outcome, Refusal,
};

use super::wire::code;
use super::words::*;

fn together(reference: &str, cards: Vec<Activate>) -> Command {
    Command::ActivateCards(ActivateCards { ref_id: ref_id(reference), cards })
}

fn faults(bank: &mut Bank, command: Command) -> Vec<(usize, &'static str)> {
    match bank.ask(command) {
        Err(Refusal::Cards(faults)) => {
            faults.iter().map(|(place, refusal)| (*place, code(refusal))).collect()
        }
        other => panic!("not refused by card: {other:?}"),
    }
}

#[test]
fn all_cards_are_activated_with_one_reference() {
    let mut bank = Bank::default();
    bank.make_batch(&["a", "b"]);
    let cards = vec![bank.activate("b", 20), bank.activate("a", 10)];
    let command = together("r", cards);
    let Outcome::CardsActivated(cards) = bank.done(command.clone()) else { panic!("not activated") };
    let ids: Vec<_> = cards.iter().map(|card| card.card.card_id.as_str()).collect();
    assert_eq!(ids, ["b", "a"], "in the order of the request");
    assert_eq!((bank.sums("a").0, bank.sums("b").0), (10, 20));
    let told = bank.store.outbox.last().expect("a record");
    assert_eq!((told.transactions.len(), told.subjects.len()), (2, 2));
    let outbox = bank.store.outbox.len();
    let Outcome::CardsActivated(again) = bank.done(command) else { panic!("not activated") };
    assert_eq!((again, bank.store.outbox.len()), (cards, outbox), "a repeat");
}

#[test]
fn one_fault_stops_all_and_each_is_told_with_its_place() {
    let mut bank = Bank::default();
    bank.make_batch(&["a", "b", "blocked"]);
    bank.done(block("blocked"));
    bank.make("active", 5);
    let cards = vec![
        bank.activate("a", 1),
        bank.activate("active", 1),
        bank.activate("unknown", 1),
        bank.activate("a", 1),
        bank.activate("blocked", 1),
        bank.activate("b", 1),
    ];
    let expected =
        [(1, "CARD_NOT_INACTIVE"), (2, "CARD_NOT_FOUND"), (3, "REF_ID_REUSED"), (4, "CARD_BLOCKED")];
    let command = together("r", cards);
    assert_eq!(faults(&mut bank, command), expected);
    assert!(bank.card("a").activation.is_none());
}

#[test]
fn part_of_an_earlier_request_is_no_repeat() {
    let mut bank = Bank::default();
    bank.make_batch(&["a", "b"]);
    let only_a = vec![bank.activate("a", 1)];
    bank.done(together("r", only_a.clone()));
    let both = vec![only_a[0].clone(), bank.activate("b", 1)];
    assert_eq!(faults(&mut bank, together("r", both)), [(0, "REF_ID_REUSED")]);
    let other = vec![Activate { amount: amount(2), ..only_a[0].clone() }];
    assert_eq!(faults(&mut bank, together("r", other)), [(0, "REF_ID_REUSED")]);
    let single = Activate { ref_id: Some(ref_id("r")), ..only_a[0].clone() };
    assert_eq!(bank.refused(activate(single)), "REF_ID_REUSED", "alone is another operation");
}

#[test]
fn a_thousand_cards_go_at_once() {
    let mut bank = Bank::default();
    let ids: Vec<String> = (0..1_000).map(|place| format!("card-{place}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    bank.make_batch(&ids);
    let cards = ids.iter().map(|id| bank.activate(id, 7)).collect();
    let order = bank.order(together("r", cards));
    let answer = bank.store.carry_out(vec![order], at(START_MS)).pop().expect("an answer");
    assert!(matches!(answer, Ok(Outcome::CardsActivated(cards)) if cards.len() == 1_000));
}

#[test]
fn a_cards_own_token_begins_to_live() {
    let mut bank = Bank::default();
    bank.make_batch(&["a"]);
    let cards = vec![Activate { token_expires_in: Some(10), ..bank.activate("a", 5) }];
    bank.done(together("r", cards));
    bank.now_ms += 9_999;
    let sale = bank.draw(by_token("a"), "1", 1);
    bank.row(drawdown(sale));
    bank.now_ms += 1;
    let sale = bank.draw(by_token("a"), "2", 1);
    assert_eq!(bank.refused(drawdown(sale)), "CARD_NOT_FOUND");
}

/// A card "a" of which its batch said everything: it names "old", and its token lives 10 seconds and serves once.
fn with_words() -> Bank {
    let mut bank = Bank::default();
    let token = NewToken { expires_in: Some(10), expires_after_transaction: true, ..bank.new_token("a") };
    let card = NewCard {
        name: Name::try_from("old").ok(),
        customer_id: CustomerId::try_from("old").ok(),
        originated_by: OriginatedBy::try_from("old").ok(),
        metadata: Metadata::from_json_object(r#"{"old":1}"#),
        token: Some(token),
        ..bank.new_card("a")
    };
    let batch = domain::BatchId(bank.new_id());
    bank.done(Command::CreateBatch(CreateBatch { batch, currency: nok(), cards: vec![card] }));
    bank
}

fn words_of(card: &Card) -> [Option<&str>; 4] {
    [
        card.name.as_ref().map(Name::as_str),
        card.customer_id.as_ref().map(CustomerId::as_str),
        card.originated_by.as_ref().map(OriginatedBy::as_str),
        Some(card.metadata.as_json()),
    ]
}

#[test]
fn what_an_activation_says_takes_the_place_of_what_the_batch_said() {
    let mut bank = with_words();
    let said = Activate {
        currency: sek(),
        name: Name::try_from("new").ok(),
        customer_id: CustomerId::try_from("new").ok(),
        originated_by: OriginatedBy::try_from("new").ok(),
        metadata: Some(Metadata::from_json_object(r#"{"new":1}"#)),
        token_expires_in: Some(20),
        token_expires_after_transaction: Some(false),
        ..bank.activate("a", 5)
    };
    let Outcome::CardActivated(details) = bank.done(activate(said)) else { panic!("not activated") };
    assert_eq!(details.card.currency, sek());
    assert_eq!(words_of(&details.card), [Some("new"), Some("new"), Some("new"), Some(r#"{"new":1}"#)]);
    let token = &details.tokens[0];
    assert_eq!((token.expires_in, token.expires_after_transaction), (Some(20), false));
    assert_eq!(token.expires_at, Some(at(START_MS + 20_000)));
}

#[test]
fn what_an_activation_does_not_say_stays_as_the_batch_said() {
    let mut bank = with_words();
    let plain = bank.activate("a", 5);
    let Outcome::CardActivated(details) = bank.done(activate(plain)) else { panic!("not activated") };
    assert_eq!(words_of(&details.card), [Some("old"), Some("old"), Some("old"), Some(r#"{"old":1}"#)]);
    let token = &details.tokens[0];
    assert_eq!((token.expires_in, token.expires_after_transaction), (Some(10), true));
    assert_eq!(token.expires_at, Some(at(START_MS + 10_000)));
}
