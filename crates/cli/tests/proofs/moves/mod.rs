//! A store is moved to PostgreSQL and back, whatever happens meanwhile to the move or to what is moved to.

mod faults;
mod kills;
mod side;

use std::fs;
use std::process::{Child, Command};
use std::slice;
use std::sync::LazyLock;
use std::time::Duration;

use tempfile::TempDir;

use crate::common::{Ended, until};
use crate::support::asked::Request as _;
use crate::support::batch::Batch;
use crate::support::chance::Chance;
use crate::support::load::Load;
use crate::support::money::Move;
use side::Side;

/// More than are moved at once.
const CARDS: u32 = 6_000;
const TOGETHER: u32 = 1_000;

/// More answers than are moved at once.
const KEPT_ANSWERS: u32 = 60;

/// How long clients move money in every way before the store is moved.
const WORKS: Duration = Duration::from_millis(500);

/// The database of a data directory with a little of everything, and more of some things than is moved at once.
static DATABASE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    let server = Side::Folder(folder.path().to_owned()).server().start();
    let api = server.api();
    for place in 0..CARDS / TOGETHER {
        let batch = Batch::new(format!("sold-{place}"), TOGETHER);
        batch.send(&api).expect("an answer").ok();
        let ids: Vec<String> = (0..TOGETHER).map(|card| format!("sold-{place}.{card}")).collect();
        Move::activations(&ids, &format!("sale-{place}"), 500).send(&api).expect("an answer").ok();
    }
    for place in 0..KEPT_ANSWERS {
        Batch::new(format!("kept-{place}"), 1).send(&api).expect("an answer").ok();
    }
    let load = Load::new(slice::from_ref(&server), &mut Chance::new("the store that is moved"));
    load.until(WORKS, || server.stop());
    fs::read(folder.path().join("gavekort.db")).expect("a database")
});

/// A data directory with it.
struct Ledger {
    side: Side,
    _folder: TempDir,
}

impl Ledger {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("gavekort.db"), &*DATABASE).expect("written");
        Self { side: Side::Folder(folder.path().to_owned()), _folder: folder }
    }
}

/// Starts a move and lets it go on until so many rows have arrived; answers how it ended where it was faster.
fn started(command: &mut Command, to: &Side, rows: usize) -> Result<Child, Ended> {
    let mut child = command.spawn().expect("the program starts");
    let has_ended = until("rows arrive", || {
        let has_ended = child.try_wait().expect("a process").is_some();
        (has_ended || to.rows().total() >= rows).then_some(has_ended)
    });
    if has_ended { Err(ended(child)) } else { Ok(child) }
}

/// How a move ends that was started.
fn ended(child: Child) -> Ended {
    child.wait_with_output().expect("its end").into()
}
