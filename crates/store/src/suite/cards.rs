//! Making cards.

use domain::{Dates, Outcome};

use super::fixture::*;

/// Every field, the longest texts and other alphabets included.
pub async fn a_card_reads_back_as_it_was_made(f: Fixture) {
    let mut create = f.create("a/b c æøå 🎁", 50_000);
    create.card.name = Some(name(&"ø".repeat(255)));
    create.card.customer_id = Some(customer("customer"));
    create.card.originated_by = Some(origin("till 7"));
    create.card.metadata = domain::Metadata::from_json_object(r#"{"a":{"b":[1,"%"]}}"#);
    create.card.kind = domain::CardType::CreditNote;
    create.card.dates = Dates { active_from: Some(f.now()), expires_at: Some(f.in_seconds(60)) };
    create.card.pin = Some(pin("123456"));
    create.card.token = Some(f.new_token("value"));
    let Outcome::CardCreated(made) = f.done(create).await else {
        panic!("not a card");
    };
    assert_eq!(f.read("a/b c æøå 🎁").await, *made);
}
