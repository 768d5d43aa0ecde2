//! What other servers on the same database changed and found out.

use std::time::Duration;

use store::News;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{OpenFault, Service};

/// How often failures are told and learnt: a budget holds on all servers within twice that.
const SHARE_EVERY: Duration = Duration::from_secs(1);

/// When what other servers changed is read again after it could not be read.
const READ_AGAIN: Duration = Duration::from_millis(250);

impl Service {
    /// Keeps up with the other servers on the database for as long as it is polled: reads what they changed of
    /// accounts, clients and signing keys, and shares what is counted against guessing.
    pub async fn keep_up(&self) {
        tokio::join!(self.follow_news(), self.share_budgets());
    }

    async fn follow_news(&self) {
        loop {
            let news = self.store.news().await;
            let mut has_failed = false;
            while let Err(error) = self.read_news(&news).await {
                if !std::mem::replace(&mut has_failed, true) {
                    tracing::warn!(%error, "what another server changed could not be read; it is tried again");
                }
                sleep(READ_AGAIN).await;
            }
        }
    }

    /// Reads anew what another server changed of that which this one remembers.
    pub async fn read_news(&self, news: &News) -> Result<(), OpenFault> {
        if !news.accounts.is_empty() {
            self.directory.load_some(&*self.store, &news.accounts).await?;
        }
        if news.signing_keys {
            self.signing.load(&*self.store, &self.keys).await?;
        }
        Ok(())
    }

    async fn share_budgets(&self) {
        let mut ticks = interval(SHARE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failed_before = false;
        loop {
            ticks.tick().await;
            let shared = self.share_counted().await;
            if let (Err(error), false) = (&shared, failed_before) {
                tracing::warn!(%error, "failures could not be told to other servers; they are told later");
            }
            failed_before = shared.is_err();
        }
    }

    /// Tells what was counted here against guessing, and learns what other servers counted.
    pub async fn share_counted(&self) -> Result<(), store::Error> {
        self.budgets.share(&*self.store, self.now()).await
    }
}
