//! Making single cards.

use domain::{
    Activation, Amount, CardType, Dates, MAX_AMOUNT, Metadata, Outcome, Reason, RefId, Refusal, Status,
    TransactionType,
};

use super::fixture::*;

/// Every field, the longest texts and other alphabets included.
pub async fn a_card_reads_back_as_it_was_made(f: Fixture) {
    let mut create = f.create("a/b c æøå 🎁", 50_000);
    create.card.name = Some(name(&"ø".repeat(255)));
    create.card.customer_id = Some(customer("customer"));
    create.card.originated_by = Some(origin("till 7"));
    create.card.metadata = Metadata::from_json_object(r#"{"a":{"b":[1,"%"]}}"#);
    create.card.kind = CardType::CreditNote;
    create.card.dates = Dates { active_from: Some(f.now()), expires_at: Some(f.in_seconds(60)) };
    create.card.pin = Some(pin("123456"));
    create.card.token = Some(f.new_token("value"));
    let Outcome::CardCreated(made) = f.done(create).await else {
        panic!("not a card");
    };
    assert_eq!(f.read("a/b c æøå 🎁").await, *made);
}

pub async fn a_card_with_money_is_active_at_once(f: Fixture) {
    let card = f.has_card("card", 500).await;
    assert_eq!(card.activation, Some(Activation { at: f.now(), by: Some(f.client) }));
    assert_eq!((card.amount, card.funds, card.available()), (amount(500), amount(500), amount(500)));
    assert_eq!((card.status(f.now()), card.seq), (Status::Unused, 1));
}

pub async fn a_card_without_pin_and_token_has_none(f: Fixture) {
    f.has_card("card", 500).await;
    let read = f.read("card").await;
    assert_eq!((read.card.pin, read.tokens), (None, vec![]));
}

/// The history's first row stands for amount 0 too.
pub async fn a_card_may_be_made_with_nothing_on_it(f: Fixture) {
    let card = f.has_card("card", 0).await;
    assert_eq!((card.funds, card.seq, card.status(f.now())), (Amount::ZERO, 1, Status::Unused));
}

pub async fn a_taken_card_id_is_refused_with_its_place(f: Fixture) {
    f.has_card("card", 500).await;
    assert_eq!(f.refused(f.create("card", 700)).await, Refusal::CardIdTaken { places: vec![0] });
    assert_eq!(f.read("card").await.card.funds, amount(500));
}

pub async fn the_id_of_a_deleted_card_stays_taken(f: Fixture) {
    f.has_card("card", 0).await;
    f.done(f.delete("card")).await;
    assert_eq!(f.refused(f.create("card", 1)).await, Refusal::CardIdTaken { places: vec![0] });
}

pub async fn card_ids_compare_byte_by_byte(f: Fixture) {
    // The second é is an e with an accent after it; the third card differs by its capital alone.
    for id in ["caf\u{e9}", "cafe\u{301}", "CAF\u{e9}"] {
        f.has_card(id, 1).await;
    }
    assert_eq!(f.list(&every_card(f.now())).await.len(), 3);
}

pub async fn a_card_holds_the_largest_amount_and_not_a_unit_more(f: Fixture) {
    let card = f.has_card("card", MAX_AMOUNT).await;
    assert_eq!(card.available(), amount(MAX_AMOUNT));
    assert_eq!(f.read("card").await.card, card);
}

pub async fn a_card_keeps_its_currency(f: Fixture) {
    let mut create = f.create("card", 100);
    create.currency = currency("JPY");
    f.done(create).await;
    assert_eq!(f.read("card").await.card.currency, currency("JPY"));
}

/// A row without a reference of a client has its own id as one, so that a client's cannot meet it by chance.
pub async fn the_fund_of_a_creation_has_its_own_id_as_reference(f: Fixture) {
    let create = f.create("card", 500);
    let reference = RefId::from(&create.fund);
    f.done(create).await;
    let clash = f.draw(by_id("card"), reference.as_str(), 500);
    assert_eq!(f.refused(clash).await, Refusal::RefIdReused);
}

pub async fn a_token_made_with_its_card_has_the_cards_id_as_reference(f: Fixture) {
    f.has_card_with_token("card", 500, f.new_token("value")).await;
    let read = f.read("card").await;
    let token = read.tokens.first().expect("a token");
    assert_eq!(token.ref_id, ref_id("card"));
    assert!(token.made_with_card && token.expires_at.is_none());
}

/// A generated value that exists is no fault of the client's: whoever made it makes another.
pub async fn a_generated_token_that_exists_is_told_as_such(f: Fixture) {
    f.has_card_with_token("first", 500, f.new_token("value")).await;
    let mut create = f.create("second", 500);
    create.card.token = Some(f.new_token("value"));
    assert_eq!(f.refused(create).await, Refusal::TokenCollision);
    assert_eq!(f.list(&every_card(f.now())).await, ["first"]);
}

pub async fn a_card_that_was_never_made_reads_as_none(f: Fixture) {
    assert_eq!(f.store.card(f.aid, &card_id("card"), true, f.now()).await, Ok(None));
}

/// The sums of a card, its status and its history tell the same story.
pub async fn a_history_has_a_row_for_each_change_of_money(f: Fixture) {
    f.has_card("card", 1_000).await;
    let first = f.drawn(f.draw(by_id("card"), "one", 300)).await;
    let second = f.drawn(f.draw(by_id("card"), "two", 200)).await;
    assert_eq!((first.seq, first.balance), (2, amount(700)));
    assert_eq!((second.seq, second.balance), (3, amount(500)));
    assert_eq!((second.kind, second.reason), (TransactionType::Drawdown, Reason::Sale));
    let card = f.read("card").await.card;
    assert_eq!((card.seq, card.drawdown, card.balance()), (3, amount(500), amount(500)));
}
