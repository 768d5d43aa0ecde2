//! What has to be done again and again while a server runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use service::Service;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::open::Opened;

/// Often enough that the end of a lock is entered within a minute.
const MAINTENANCE_EVERY: Duration = Duration::from_secs(30);
const CHECK_EVERY: Duration = Duration::from_secs(2);

/// A store that has not answered by then is not ready.
const CHECK_PATIENCE: Duration = Duration::from_secs(5);

/// Starts it all; it ends with the set.
pub fn start(opened: &Opened, is_ready: &Arc<AtomicBool>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(maintain(opened.service.clone()));
    tasks.spawn(check(opened.service.clone(), is_ready.clone()));
    let service = opened.service.clone();
    tasks.spawn(async move { service.keep_up().await });
    tasks
}

async fn maintain(service: Arc<Service>) {
    let mut ticks = interval(MAINTENANCE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = service.maintain().await {
            tracing::error!(%error, "maintenance failed; it is tried again in half a minute");
        }
    }
}

/// Keeps the answer to `/readyz`, which must not wait for the store itself.
async fn check(service: Arc<Service>, is_ready: Arc<AtomicBool>) {
    let mut ticks = interval(CHECK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let why = match timeout(CHECK_PATIENCE, service.check()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the store did not answer in time".to_owned()),
        };
        let was_ready = is_ready.swap(why.is_none(), Ordering::Relaxed);
        match why {
            Some(why) if was_ready => tracing::error!(why, "not ready any more"),
            None if !was_ready => tracing::info!("ready again"),
            _ => {}
        }
    }
}
