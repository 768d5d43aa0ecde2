//! Lists whose length somebody else decides.

mod common;

use std::sync::Arc;

use common::{World, card};
use domain::{Amount, Currency, CustomerId};
use service::{
    CreateCardRequest, CreateCards, CustomerListRequest, Error, Permit, ReadCustomerCards, Service,
};
use tokio::task::JoinSet;

fn kari() -> CustomerId {
    CustomerId::try_from("kari").expect("a customer")
}

async fn create(service: &Service, permit: &Permit<CreateCards>, number: u32) {
    let mut card = card(&format!("{number}"));
    card.customer_id = Some(kari());
    let amount = Amount::try_from(1).expect("an amount");
    let request = CreateCardRequest { card, amount, currency: Currency::NOK, pin: None, token: None };
    service.create_card(permit, &request, None).await.expect("made");
}

#[tokio::test]
async fn more_cards_than_are_answered_at_once_are_refused_as_a_whole() {
    let world = World::new().await;
    let creates: Arc<Permit<CreateCards>> = Arc::new(world.permit().await);
    let mut creating = JoinSet::new();
    for first in (0..10_000).step_by(25) {
        let (service, creates) = (world.service.clone(), creates.clone());
        creating.spawn(async move {
            for number in first..first + 25 {
                create(&service, &creates, number).await;
            }
        });
    }
    while let Some(created) = creating.join_next().await {
        created.expect("created");
    }
    let reads: Permit<ReadCustomerCards> = world.permit().await;
    let list = |limit| {
        let now = world.service.now();
        let asked = CustomerListRequest { customer_id: kari(), limit, starting_after: None, now };
        world.service.customer_cards(&reads, asked)
    };
    assert_eq!(list(None).await.expect("all of them").len(), 10_000);
    create(&world.service, &creates, 10_000).await;
    assert!(matches!(list(None).await, Err(Error::TooManyCards { max: 10_000 })));
    assert_eq!(list(Some(100)).await.expect("a page").len(), 100);
}
