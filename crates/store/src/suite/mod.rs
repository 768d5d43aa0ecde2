//! What every store promises, case by case. `conformance!` makes a test of each.

mod ask;
pub mod cards;
pub mod fixture;

use std::sync::Arc;

pub use ask::Ask;
pub use fixture::{Fixture, Opened, TestClock};

/// Runs one case on a store of its own.
pub fn run<C, F>(open: impl FnOnce(Arc<TestClock>) -> Opened, case: C)
where
    C: FnOnce(Fixture) -> F,
    F: Future<Output = ()>,
{
    let clock = Arc::new(TestClock::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let opened = open(Arc::clone(&clock));
        case(Fixture::new(opened, clock).await).await;
    });
}

/// Makes a test of each case, for a function that opens an empty store: `fn(Arc<TestClock>) -> Opened`.
#[macro_export]
macro_rules! conformance {
    ($open:path) => {
        $crate::conformance! { $open;
            cards {
                a_card_reads_back_as_it_was_made
            }
        }
    };
    ($open:path; $($module:ident { $($case:ident)+ })+) => {
        $(mod $module {
            use super::*;
            $(#[test]
            fn $case() {
                $crate::suite::run($open, $crate::suite::$module::$case);
            })+
        })+
    };
}
