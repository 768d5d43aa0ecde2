//! The server is killed while money moves in every way, again and again.

use std::slice;
use std::time::Duration;

use crate::common::Server;
use crate::support::asked::End;
use crate::support::chance::Chance;
use crate::support::load::Load;
use crate::support::{database, rounds, sums};

/// How long the clients are left at work at most.
const WORKS: Duration = Duration::from_millis(150);

#[test]
fn a_killed_server_loses_no_money_that_it_said_was_moved_and_moves_none_by_half() {
    let mut chance = Chance::new("money kills");
    let mut server = Server::start();
    let kills = rounds(30, 300);
    let (mut made, mut unanswered, mut kept) = (0, 0, 0);
    for _ in 0..kills {
        let load = Load::new(slice::from_ref(&server), &mut chance);
        let (again, all) = load.until(chance.up_to(WORKS), || server.kill());
        server = again.start();
        made += all.iter().filter(|asked| asked.end.is_made()).count();
        unanswered += all.iter().filter(|asked| asked.end == End::Lost).count();
        assert!(all.iter().all(|asked| asked.end.is_made() || asked.end == End::Lost), "one was refused");
        kept += load.check(&server, &all);
    }
    eprintln!("money kills: {kills}; {made} moves answered, of {unanswered} others {kept} were made");
    assert!(kept > 0 && kept < unanswered, "the kills did not come in the middle");
    sums::check(&server);
    database::check(server.data());
    server.stop();
}
