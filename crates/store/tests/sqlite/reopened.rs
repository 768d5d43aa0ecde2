//! What a refused order leaves is durable too.

use domain::Refusal;
use store::suite::TestClock;
use store::suite::fixture::{by_token, pin};

use super::{World, closed, open};

#[tokio::test]
async fn wrong_pins_are_counted_across_a_restart() {
    let world = World::new().await;
    let mut create = world.f.create("card", 100);
    create.card.token = Some(world.f.new_token("value"));
    create.card.pin = Some(pin("right"));
    world.f.done(create).await;
    for _ in 0..4 {
        assert_eq!(world.f.refused(world.f.info(by_token("value"), "wrong")).await, Refusal::PinInvalid);
    }
    let (guess, look) = (world.f.info(by_token("value"), "wrong"), world.f.info(by_token("value"), "right"));
    let orders = [world.f.order(guess), world.f.order(look)];
    let (aid, dir) = (world.f.aid, closed(world).await);
    let again = open(dir.path(), std::sync::Arc::new(TestClock::default()));
    let expected = [Refusal::PinInvalid, Refusal::PinLocked { retry_after_seconds: Some(30) }];
    for (order, refusal) in orders.into_iter().zip(expected) {
        let answer = store::Store::submit(&*again, aid, order, store::suite::fixture::soon()).await;
        assert_eq!(answer, Ok(Err(refusal)));
    }
}
