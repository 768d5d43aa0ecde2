//! The disk of the data directory fills up, and is cleared again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::common::{Answer, Api, Options, Server, until};
use crate::support::batch::Batch;
use crate::support::database::{self, Cards};
use crate::support::strace::Strace;

/// Room for a write-ahead log that has reached the size at which it is copied into the database, not for the copy.
const DISK_MIB: usize = 96;
const BALLAST_MIB: usize = 12;

/// Of cards with much metadata, so that a disk is full after a few.
const CARDS: u32 = 1_000;
const METADATA_BYTES: usize = 3_000;
const BATCHES_MAX: usize = 100;

const WORKS_AGAIN_WITHIN: Duration = Duration::from_secs(10);

/// A disk that can be filled up and cleared.
enum Disk {
    /// A small one, with a file on it that is in the way.
    Small(PathBuf),
    /// The one of temporary files, whose writes are made to fail where mounting is not permitted.
    Traced(Option<Strace>),
}

/// The folder that a small disk is mounted on.
struct Mount(TempDir);

impl Mount {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Mounts a small disk there, if this user may.
    fn make_small(&self) -> bool {
        let size = format!("size={DISK_MIB}m,mode=700");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(self.path()).output();
        mount.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // It fails where nothing could be mounted.
        let _unmounted = Command::new("umount").arg(self.path()).output();
    }
}

impl Disk {
    fn fill(&mut self, server: &Server) {
        match self {
            Self::Small(ballast) => assert!(ballast.exists()),
            Self::Traced(strace) => *strace = Some(Strace::attach(server, "pwrite64:error=ENOSPC")),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Small(ballast) => fs::remove_file(ballast).expect("removed"),
            Self::Traced(strace) => assert!(strace.take().expect("attached").detach().1 > 0),
        }
    }
}

fn large_batch(place: usize) -> Batch {
    let mut batch = Batch::new(format!("batch-{place}"), CARDS);
    let cards = batch.body["cards"].as_array_mut().expect("cards");
    for card in cards {
        card["metadata"] = json!({"note": "n".repeat(METADATA_BYTES)});
    }
    batch
}

/// Sends batches until one is refused; answers those that were made and that one.
fn send_until_refused(api: &Api) -> (Vec<Batch>, Batch) {
    let mut made = Vec::new();
    for place in 0..BATCHES_MAX {
        let batch = large_batch(place);
        let answer = batch.send(api).expect("an answer");
        if answer.status != 200 {
            check_refusal(&answer);
            return (made, batch);
        }
        made.push(batch);
    }
    panic!("the disk did not fill up");
}

fn check_refusal(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (503, "UNAVAILABLE"), "{}", answer.body);
    assert!(answer.headers.contains_key("retry-after"));
}

/// Reads go on while nothing can be written.
fn check_reads(server: &Server, api: &Api, card_id: &str) {
    assert_eq!(api.get(&format!("wallets/cards/{card_id}")).ok()["card_id"], card_id);
    assert_eq!(api.get("wallets/cards?limit=10").ok()["cards"].as_array().map(Vec::len), Some(10));
    assert_eq!(crate::common::get(&format!("{}/healthz", server.url)).0, 200);
    server.api();
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room_and_harms_nothing() {
    let mount = Mount::new();
    let is_small = mount.make_small();
    let mut disk = if is_small { Disk::Small(mount.path().join("ballast")) } else { Disk::Traced(None) };
    eprintln!(
        "full disk: {}",
        if is_small { "a small one" } else { "by strace, for want of the right to mount" }
    );
    if let Disk::Small(ballast) = &disk {
        fs::write(ballast, vec![b'b'; BALLAST_MIB << 20]).expect("room for the ballast");
    }
    let server = Options::default().data(&mount.path().join("data")).start();
    let api = server.api();
    let first = Batch::new("first".to_owned(), 20);
    first.send(&api).expect("an answer").ok();
    disk.fill(&server);

    let (mut made, refused) = send_until_refused(&api);
    made.push(first);
    for _ in 0..3 {
        check_refusal(&refused.send(&api).expect("an answer"));
        check_reads(&server, &api, "first.0");
    }
    // What is small may find a gap.
    for place in 0..20 {
        let small = Batch::new(format!("small-{place}"), 1);
        let answer = small.send(&api).expect("an answer");
        if answer.status == 200 {
            made.push(small);
        } else {
            check_refusal(&answer);
        }
    }
    let cards = Cards::read(server.data(), "");
    assert!(made.iter().all(|batch| batch.is_whole(&cards)), "an answered batch is gone");
    assert!(!refused.is_whole(&cards), "what was refused is not there");

    disk.clear();
    let cleared = Instant::now();
    let answer = until("a write", || refused.send(&api).ok().filter(|answer| answer.status == 200));
    assert!(cleared.elapsed() < WORKS_AGAIN_WITHIN, "works again after {:?}", cleared.elapsed());
    refused.secrets(&answer.ok());
    made.push(refused);
    let server = server.stop().start();
    let cards = Cards::read(server.data(), "");
    assert!(made.iter().all(|batch| batch.is_whole(&cards)), "an answered batch is gone");
    database::check(server.data());
    eprintln!("full disk: {} batches, {} cards", made.len(), cards.count());
    server.stop();
}
