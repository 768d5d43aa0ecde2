//! Random orders.

#[path = "../common/random/mod.rs"]
mod runs;

use runs::{Directory, Runs};

#[tokio::test]
async fn the_store_answers_and_keeps_what_the_one_in_memory_does() {
    Runs { rounds: 600, together: true }.check(async || vec![Directory::home()]).await;
}
