//! Tokens beside a card's own: made, found again, deleted.

use domain::{Action, Command, CreateBatch, NewCard, NewToken, Outcome, Subject, Token, TokenUuid};

use super::words::*;

fn token(bank: &Bank, value: &str) -> Token {
    let found = bank.store.tokens.values().find(|token| token.mac == token_mac(value));
    found.expect("the token").clone()
}

fn delete(card: &str, token: TokenUuid) -> Command {
    Command::DeleteToken { card_id: card_id(card), token }
}

/// Cards "a" and "b", each with a token of its own; "a" with another one called "t".
fn with_tokens() -> Bank {
    let mut bank = Bank::default();
    bank.make("a", 100);
    bank.make("b", 100);
    let create = bank.token("a", "t", (false, Some(60)));
    bank.done(create);
    bank
}

#[test]
fn a_token_is_made_with_its_terms_and_audited() {
    let bank = with_tokens();
    let made = token(&bank, "t");
    assert_eq!((made.card, made.ref_id), (bank.card("a").uuid, ref_id("t")));
    assert_eq!((made.expires_in, made.expires_at), (Some(60), Some(at(START_MS + 60_000))));
    assert!(!made.made_with_card && token(&bank, "a").made_with_card);
    let line = bank.store.audit.last().expect("a line");
    assert_eq!((line.action, line.subject), (Action::CreateToken, Subject::Token(made.uuid)));
}

#[test]
fn a_tokens_reference_serves_once_on_its_card() {
    let mut bank = with_tokens();
    for reference in ["t", "a"] {
        let again = bank.token("a", reference, (false, Some(60)));
        assert_eq!(bank.refused(again), "REF_ID_REUSED");
    }
}

#[test]
fn a_deleted_token_opens_nothing_and_its_card_lives_on() {
    let mut bank = with_tokens();
    let uuid = token(&bank, "t").uuid;
    bank.now_ms += 1;
    let Outcome::TokenDeleted(deleted) = bank.done(delete("a", uuid)) else { panic!("not deleted") };
    assert_eq!(deleted.deleted_at, Some(at(START_MS + 1)));
    assert_eq!(token(&bank, "t"), *deleted);
    let line = bank.store.audit.last().expect("a line");
    assert_eq!((line.action, line.subject), (Action::DeleteToken, Subject::Token(uuid)));
    let none = bank.draw(by_token("t"), "1", 1);
    assert_eq!(bank.refused(drawdown(none)), "CARD_NOT_FOUND");
    let sale = bank.draw(by_token("a"), "1", 1);
    bank.row(drawdown(sale));
    assert_eq!(bank.refused(delete("a", uuid)), "NOT_FOUND", "once");
}

#[test]
fn a_token_is_deleted_only_through_its_own_card() {
    let mut bank = with_tokens();
    let uuid = token(&bank, "t").uuid;
    assert_eq!(bank.refused(delete("b", uuid)), "NOT_FOUND");
    assert_eq!(bank.refused(delete("unknown", uuid)), "CARD_NOT_FOUND");
    assert_eq!(bank.refused(delete("a", TokenUuid(uuid::Uuid::from_u128(9)))), "NOT_FOUND");
}

#[test]
fn a_token_and_a_card_id_must_agree() {
    let mut bank = with_tokens();
    let both = |card: &str| domain::CardSelector::Both(token_mac("t"), card_id(card));
    let sale = bank.draw(both("b"), "1", 1);
    assert_eq!(bank.refused(drawdown(sale)), "CARD_NOT_FOUND");
    let sale = bank.draw(both("a"), "1", 1);
    assert_eq!(bank.row(drawdown(sale)).card, bank.card("a").uuid);
}

#[test]
fn a_batch_cards_own_token_does_not_live_before_activation() {
    let mut bank = Bank::default();
    let own = NewToken { expires_in: Some(10), ..bank.new_token("a") };
    let card = NewCard { token: Some(own), ..bank.new_card("a") };
    let batch = domain::BatchId(bank.new_id());
    bank.done(Command::CreateBatch(CreateBatch { batch, currency: nok(), cards: vec![card] }));
    assert_eq!((token(&bank, "a").expires_in, token(&bank, "a").expires_at), (Some(10), None));
    assert_eq!(bank.card("a").batch, Some(batch));
}

#[test]
fn a_card_made_and_changed_in_one_group_is_written_once() {
    let mut bank = Bank::default();
    let own = Some(bank.new_token("a"));
    let card = NewCard { token: own, ..bank.new_card("a") };
    let uuid = card.token.as_ref().expect("a token").uuid;
    let commands = [bank.create(card, 10), block("a"), delete("a", uuid)];
    let orders = commands.map(|command| bank.order(command));
    let answers = bank.store.carry_out(orders.into(), at(START_MS));
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(bank.card("a").blocked_at.is_some() && token(&bank, "a").deleted_at.is_some());
}
