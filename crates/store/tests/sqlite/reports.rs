//! Reports while the ledger moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Command, Currency, Fund, Metadata, TransactionId};
use store::Store as _;
use store::suite::fixture::{amount, by_id, currency, ref_id};

use super::World;

/// Two cards, the one first in the table and the other last, get a unit in turn: whoever reads them apart sees the
/// second ahead of the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_side_by_side_is_of_one_instant() {
    let world = Arc::new(World::new().await);
    world.f.has_card("first", 0).await;
    let mut second = world.f.create("second", 0);
    second.currency = currency("EUR");
    world.f.done(second).await;
    let enough = Arc::new(AtomicBool::new(false));
    let (writer, must_end) = (Arc::clone(&world), Arc::clone(&enough));
    let writing = tokio::spawn(async move {
        let mut given = 0;
        while !must_end.load(Ordering::Relaxed) {
            for (card, currency) in [("first", Currency::NOK), ("second", currency("EUR"))] {
                let fund = Fund {
                    card: by_id(card),
                    pin: None,
                    ref_id: ref_id(&format!("{given}")),
                    id: TransactionId(writer.f.uuid()),
                    amount: amount(1),
                    currency,
                    parent: None,
                    originated_by: None,
                    metadata: Metadata::default(),
                };
                writer.f.done(Command::Fund(Box::new(fund))).await;
            }
            given += 1;
        }
        given
    });
    let mut last = 0;
    for _ in 0..200 {
        let owed = world.store.liability(world.f.aid, world.f.now()).await.expect("a liability");
        let [second, first] = &owed.rows[..] else {
            panic!("two currencies: {owed:?}");
        };
        assert!((0..=1).contains(&(first.balance - second.balance)), "{owed:?}");
        assert!(first.balance >= last, "what was seen stays");
        last = first.balance;
    }
    enough.store(true, Ordering::Relaxed);
    assert!(writing.await.expect("written") > 0);
}
