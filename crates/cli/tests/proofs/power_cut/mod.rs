//! The power of the disk is cut while money moves.

mod disk;

use std::path::Path;
use std::slice;
use std::time::Duration;

use rusqlite::Connection;

use crate::common::{Options, Server};
use crate::support::asked::{Asked, Request as _};
use crate::support::chance::Chance;
use crate::support::load::Load;
use crate::support::money::{Move, Rows};
use crate::support::{database, rounds, sums};
use disk::Disk;

/// How long the clients are left at work: at least, and how much longer at most.
const WORKS: Duration = Duration::from_millis(100);
const WORKS_LONGER: Duration = Duration::from_millis(400);

/// Cuts the power while clients are at work. What is answered from that moment on counts as unanswered: while a
/// file system goes down, a sync may say that it succeeded.
fn cut_at_work(server: Server, load: &Load, disk: &Disk, chance: &mut Chance) -> (Options, Vec<Asked<Move>>) {
    let ended = load.until(WORKS + chance.up_to(WORKS_LONGER), || {
        load.count_no_more();
        disk.cut();
        server.kill()
    });
    disk.restore();
    ended
}

fn made(all: &[Asked<Move>]) -> usize {
    all.iter().filter(|asked| asked.end.is_made()).count()
}

/// How many moves are gone that were said to be made; all of them where the database cannot be read.
fn lost(data: &Path, run: &str, all: &[Asked<Move>]) -> usize {
    let rows = Connection::open(data.join("gavekort.db")).and_then(|conn| Rows::read(&conn, run));
    let is_kept = |asked: &Asked<Move>| rows.as_ref().is_ok_and(|rows| rows.has(asked.request.name()));
    all.iter().filter(|asked| asked.end.is_made() && !is_kept(asked)).count()
}

#[test]
fn a_power_cut_takes_no_money_back_that_was_said_to_be_moved() {
    let disk = match Disk::new() {
        Ok(disk) => disk,
        Err(why) => return eprintln!("power cut: SKIPPED, for no disk can be made and mounted here: {why}"),
    };
    let mut chance = Chance::new("power cut");
    let mut server = Options::default().data(&disk.path().join("data")).start();
    let cuts = rounds(5, 60);
    let (mut answered, mut kept) = (0, 0);
    for _ in 0..cuts {
        let load = Load::new(slice::from_ref(&server), &mut chance);
        let (again, all) = cut_at_work(server, &load, &disk, &mut chance);
        server = again.start();
        answered += made(&all);
        kept += load.check(&server, &all);
    }
    eprintln!("power cut: {cuts}; {answered} moves answered before, none lost; {kept} others were made");
    assert!(answered > 0, "nothing was answered before the cuts");
    sums::check(&server);
    database::check(server.data());
    server.stop();
}

/// Whether the proof above would notice.
#[test]
fn without_syncs_a_power_cut_takes_money_back() {
    let disk = match Disk::new() {
        Ok(disk) => disk,
        Err(why) => return eprintln!("power cut: SKIPPED, for no disk can be made and mounted here: {why}"),
    };
    let mut chance = Chance::new("power cut without syncs");
    let no_sync = disk.no_sync();
    let options = Options::default().data(&disk.path().join("data"));
    let server = options.variable("LD_PRELOAD", &no_sync.to_string_lossy()).start();
    let load = Load::new(slice::from_ref(&server), &mut chance);
    disk.sync();
    let data = server.data().to_owned();
    let (_, all) = cut_at_work(server, &load, &disk, &mut chance);
    let (made, lost) = (made(&all), lost(&data, &load.run, &all));
    eprintln!("power cut without syncs: of {made} moves answered before {lost} are lost");
    assert!(lost > 0, "{made} moves were kept without a sync: the cut is none");
}
