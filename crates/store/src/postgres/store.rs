//! The trait, method by method.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::{
    Account, Aid, Card, CardDetails, CardId, CardUuid, Client, CustomerId, Decision, Order, Replay,
    ReplayKey, Timestamp, TokenMac, TransactionId,
};

use super::{PostgresStore, admin, answered, budgets, read};
use crate::committer::Committer;
use crate::{
    AuditPage, AuditQuery, CardPage, CardQuery, CardTransaction, CustomerCardsQuery, Error, Failures,
    HistoryQuery, Liability, Load, News, SharedBudget, SigningKey, Store, TransactionPage, TransactionQuery,
    Turn,
};

/// How long a store that worked is taken to work. Anybody may ask, and as often as he likes.
const CHECK_LASTS: Duration = Duration::from_secs(1);

#[async_trait]
impl Store for PostgresStore {
    async fn submit(&self, aid: Aid, order: Order, deadline: Instant) -> Result<Decision, Error> {
        answered(self.submitted(aid, order, deadline)?).await
    }

    async fn replay(&self, aid: Aid, key: ReplayKey) -> Result<Option<Replay>, Error> {
        let now = self.clock.now();
        let mut reader = self.readers.reader().await?;
        let kept = admin::replay(reader.client()?, aid, &key).await;
        Ok(reader.ended(kept)?.filter(|replay| replay.is_live(now)))
    }

    async fn card(
        &self,
        aid: Aid,
        card_id: &CardId,
        deleted_too: bool,
        now: Timestamp,
    ) -> Result<Option<CardDetails>, Error> {
        let mut reader = self.readers.reader().await?;
        let card = read::cards::details(reader.client()?, aid, card_id, deleted_too, now).await;
        reader.ended(card)
    }

    async fn bearer(&self, aid: Aid, token: TokenMac, now: Timestamp) -> Result<Option<Card>, Error> {
        let mut reader = self.readers.reader().await?;
        let card = read::cards::of_bearer(reader.client()?, aid, &token, now).await;
        reader.ended(card)
    }

    async fn cards(&self, aid: Aid, query: &CardQuery) -> Result<CardPage, Error> {
        let mut reader = self.readers.lister().await?;
        let page = read::cards::page(reader.client()?, aid, query).await;
        reader.ended(page)
    }

    async fn customer_cards(&self, aid: Aid, query: &CustomerCardsQuery) -> Result<Vec<Card>, Error> {
        let mut reader = self.readers.lister().await?;
        let cards = read::cards::of_customer(reader.client()?, aid, query).await;
        reader.ended(cards)
    }

    async fn customer_card(
        &self,
        aid: Aid,
        customer: &CustomerId,
        card_id: &CardId,
        now: Timestamp,
    ) -> Result<Option<CardDetails>, Error> {
        let mut reader = self.readers.reader().await?;
        let card = read::cards::details_of_customer(reader.client()?, aid, customer, card_id, now).await;
        reader.ended(card)
    }

    async fn history(
        &self,
        aid: Aid,
        card_id: &CardId,
        query: &HistoryQuery,
    ) -> Result<Option<Vec<CardTransaction>>, Error> {
        let mut reader = self.readers.lister().await?;
        let history = read::transactions::history(reader.client()?, aid, card_id, query).await;
        reader.ended(history)
    }

    async fn transaction(&self, aid: Aid, id: TransactionId) -> Result<Option<CardTransaction>, Error> {
        let mut reader = self.readers.reader().await?;
        let transaction = read::transactions::by_id(reader.client()?, aid, id).await;
        reader.ended(transaction)
    }

    async fn transactions(&self, aid: Aid, query: &TransactionQuery) -> Result<TransactionPage, Error> {
        let mut reader = self.readers.lister().await?;
        let page = read::transactions::page(reader.client()?, aid, query).await;
        reader.ended(page)
    }

    async fn audit(&self, aid: Aid, query: &AuditQuery) -> Result<AuditPage, Error> {
        let mut reader = self.readers.lister().await?;
        let page = read::audit::page(reader.client()?, aid, query).await;
        reader.ended(page)
    }

    async fn lapsed_cards(&self, aid: Aid, now: Timestamp, limit: u32) -> Result<Vec<CardUuid>, Error> {
        let mut reader = self.readers.reader().await?;
        let lapsed = read::cards::lapsed(reader.client()?, aid, now, limit).await;
        reader.ended(lapsed)
    }

    async fn liability(&self, aid: Aid, now: Timestamp) -> Result<Liability, Error> {
        let mut reader = self.readers.lister().await?;
        let liability = read::liability::now(reader.client()?, aid, now).await;
        reader.ended(liability)
    }

    async fn liability_at(&self, aid: Aid, at: Timestamp) -> Result<Option<Liability>, Error> {
        let mut reader = self.readers.lister().await?;
        let liability = read::liability::at(reader.client()?, aid, at).await;
        reader.ended(liability)
    }

    async fn close_days(&self, aid: Aid, now: Timestamp) -> Result<usize, Error> {
        let mut reader = self.readers.lister().await?;
        let closed = read::closing::close_days(reader.client()?, aid, now).await;
        reader.ended(closed)
    }

    async fn clients(&self, aid: Aid) -> Result<Vec<Client>, Error> {
        let mut reader = self.readers.lister().await?;
        let clients = admin::clients(reader.client()?, aid).await;
        reader.ended(clients)
    }

    async fn accounts(&self) -> Result<Vec<Account>, Error> {
        let mut reader = self.readers.reader().await?;
        let accounts = admin::accounts(reader.client()?).await;
        reader.ended(accounts)
    }

    async fn create_account(
        &self,
        account: &Account,
        first: &Client,
        only_first: bool,
    ) -> Result<bool, Error> {
        let mut reader = self.readers.reader().await?;
        let made = admin::create_account(reader.client()?, account, first, only_first).await;
        reader.ended(made)
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        let now = self.clock.now();
        let mut reader = self.readers.reader().await?;
        let keys = admin::signing_keys(reader.client()?, now).await;
        reader.ended(keys)
    }

    async fn put_signing_key(
        &self,
        key: &SigningKey,
        retire_at: Timestamp,
        now: Timestamp,
        unless_since: Option<Timestamp>,
    ) -> Result<bool, Error> {
        let mut reader = self.readers.reader().await?;
        let put = admin::put_signing_key(reader.client()?, key, retire_at, now, unless_since).await;
        reader.ended(put)
    }

    async fn server_value(&self, name: &str, if_absent: &[u8]) -> Result<Vec<u8>, Error> {
        let mut reader = self.readers.reader().await?;
        let value = admin::server_value(reader.client()?, name, if_absent).await;
        reader.ended(value)
    }

    async fn forget_replays(&self, aid: Aid, now: Timestamp) -> Result<usize, Error> {
        let mut forgotten = 0;
        loop {
            let mut reader = self.readers.reader().await?;
            let some = admin::forget_replays(reader.client()?, aid, now).await;
            match reader.ended(some)? {
                0 => return Ok(forgotten),
                some => forgotten += some,
            }
        }
    }

    async fn backup(&self, _: &Path) -> Result<(), Error> {
        let how = "PostgreSQL makes its own backups: pg_dump, or pg_basebackup with its write-ahead log";
        Err(Error::Unavailable(how.to_owned()))
    }

    async fn check(&self) -> Result<(), Error> {
        self.health.check()?;
        self.lanes.iter().try_for_each(Committer::check_open)?;
        // One asks for all who ask meanwhile.
        let mut worked_at = self.worked_at.lock().await;
        if worked_at.is_some_and(|at| at.elapsed() < CHECK_LASTS) {
            return Ok(());
        }
        let mut reader = self.readers.reader().await?;
        let sound = admin::check(reader.client()?).await;
        reader.ended(sound)?;
        *worked_at = Some(Instant::now());
        Ok(())
    }

    fn load(&self) -> Load {
        let mut load = Load::default();
        for lane in &*self.lanes {
            let (commits, orders) = lane.totals();
            load.queued_orders += lane.queued();
            load.commits_total += commits;
            load.orders_total += orders;
        }
        load
    }

    async fn news(&self) -> News {
        self.listening.next().await
    }

    async fn share_failures(
        &self,
        failures: &[Failures],
        now: Timestamp,
    ) -> Result<Vec<SharedBudget>, Error> {
        let mut reader = self.readers.reader().await?;
        let budgets = budgets::share(reader.client()?, failures, now).await;
        reader.ended(budgets)
    }

    async fn try_turn(&self, job: &str) -> Result<Option<Turn>, Error> {
        self.health.check()?;
        self.turns.try_turn(job).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.listening.stop();
        let lanes = Arc::clone(&self.lanes);
        let closed = tokio::task::spawn_blocking(move || lanes.iter().for_each(Committer::close)).await;
        self.health.close();
        self.readers.close();
        closed.map_err(|_| Error::Internal("closing failed".to_owned()))
    }
}
