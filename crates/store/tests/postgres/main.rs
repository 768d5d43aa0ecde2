//! The PostgreSQL store keeps the promises of every store, and those of its own. What becomes of money while its server
//! is killed, cut off or without power is proved on nodes that are processes of their own, in `crates/cli/tests/nodes`.

mod away;
mod databases;
mod locking;
mod random;
mod schema;
mod shared;
mod tls;

use std::sync::Arc;

use domain::Clock;
use store::suite::fixture::pin_checker;
use store::suite::{Opened, TestClock};
use store::{PostgresSettings, PostgresStore};

use databases::lend;

/// With one lane: several cases count on the order in which orders come, which lanes keep each for itself.
mod conformance {
    store::conformance!(crate::open_one_lane);
}

/// What races comes to the same through many lanes.
mod many_lanes {
    store::conformance! { crate::open_many_lanes;
        groups {
            fifty_racing_equal_ref_ids_have_one_effect
            racing_drawdowns_never_take_more_than_there_is
            racing_drawdowns_use_a_single_use_token_once
            racing_creations_of_one_id_make_one_card
            racing_activations_make_one
            a_token_collision_spoils_no_order_beside_it
            an_order_that_cannot_be_written_fails_alone
            accounts_in_one_group_keep_apart
            money_and_batches_come_through_together
            after_an_answer_every_read_shows_it
            orders_of_every_kind_come_through_together
        }
        replays {
            twenty_racing_equal_keys_make_one_batch
        }
    }
}

async fn open_one_lane(clock: Arc<TestClock>) -> Opened {
    open_empty(clock, 1).await
}

async fn open_many_lanes(clock: Arc<TestClock>) -> Opened {
    open_empty(clock, 4).await
}

async fn open_empty(clock: Arc<TestClock>, lanes: usize) -> Opened {
    let lent = lend();
    let store = open(lent.url(), clock, lanes).await;
    Opened { store, keep: Box::new(lent) }
}

async fn open(url: &str, clock: Arc<dyn Clock>, lanes: usize) -> Arc<PostgresStore> {
    let settings = PostgresSettings { lanes, ..PostgresSettings::default() };
    PostgresStore::open(url, clock, settings, pin_checker()).await.expect("a store")
}
