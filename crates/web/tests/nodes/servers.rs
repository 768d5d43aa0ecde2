//! Three servers on a PostgreSQL database of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use service::{MasterKey, Service, SystemRandom};
use store::Store;
use web::api::ApiSettings;

use crate::databases::{Lent, lend};
use crate::node::Node;
use crate::process::{Process, Told};
use crate::world::{Doors, SetClock, Settings};

const SERVERS: usize = 3;

pub struct Servers {
    pub service: Arc<Service>,
    pub store: Arc<dyn Store>,
    pub doors: Vec<Doors>,
    /// What the test does past the servers, as the program's other commands do it.
    beside: Node,
    processes: Vec<Process>,
    clock: Arc<SetClock>,
    // Last: whoever uses it must have gone.
    _lent: Lent,
}

impl Servers {
    pub async fn open(clock: Arc<SetClock>, settings: Settings) -> Self {
        let (lent, master_key) = (lend(), MasterKey::generate(&SystemRandom));
        let beside = Node::open(lent.url(), master_key.clone(), clock.clone()).await;
        let told = Told::new(lent.url(), &master_key, settings);
        // All of them begin before the first one is waited for.
        let starting: Vec<_> = (0..SERVERS).map(|_| Process::start(&told)).collect();
        let processes: Vec<_> = starting.into_iter().map(|starting| starting.ready()).collect();
        let doors = processes.iter().map(|process| process.doors(&clock)).collect();
        Self::on(beside, doors, processes, clock, lent)
    }

    /// One server in the test's own process.
    pub async fn within(clock: Arc<SetClock>, settings: ApiSettings) -> Self {
        let lent = lend();
        let beside = Node::open(lent.url(), MasterKey::generate(&SystemRandom), clock.clone()).await;
        let doors = vec![Doors::of(&beside.service, &settings)];
        Self::on(beside, doors, Vec::new(), clock, lent)
    }

    fn on(
        beside: Node,
        doors: Vec<Doors>,
        processes: Vec<Process>,
        clock: Arc<SetClock>,
        lent: Lent,
    ) -> Self {
        let (service, store) = (beside.service.clone(), beside.store.clone());
        Self { service, store, doors, beside, processes, clock, _lent: lent }
    }

    pub async fn address(&self) -> SocketAddr {
        self.processes[0].address
    }

    /// Waits until every server knows what the database holds of accounts, clients and signing keys, and what was
    /// counted against guessing.
    pub async fn agree(&self) {
        // The first learns of the last one the second time.
        for _ in 0..2 {
            self.beside.agree().await;
            for process in &self.processes {
                process.agree(&self.clock).await;
            }
        }
    }
}
