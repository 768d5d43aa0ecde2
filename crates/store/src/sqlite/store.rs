//! The trait, method by method.

use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::{
    Account, Aid, Card, CardDetails, CardId, CardUuid, Client, CustomerId, Decision, Order, Replay,
    ReplayKey, Timestamp, TokenMac, TransactionId,
};
use rusqlite::Connection;

use super::{
    SigningKey, SqliteStore, admin, answered, audit, backup, cards, closing, connection, liability, load,
    transactions,
};
use crate::closings::is_of_closings;
use crate::committer::Committer;
use crate::{
    AuditPage, AuditQuery, CardPage, CardQuery, CardTransaction, CustomerCardsQuery, Error, HistoryQuery,
    Liability, Load, Store, TransactionPage, TransactionQuery,
};

/// How long a store that worked is taken to work. Anybody may ask, and as often as he likes.
const CHECK_LASTS: Duration = Duration::from_secs(1);

#[async_trait]
impl Store for SqliteStore {
    async fn submit(&self, aid: Aid, order: Order, deadline: Instant) -> Result<Decision, Error> {
        answered(self.committer()?.submit(aid, order, deadline)?).await
    }

    async fn replay(&self, aid: Aid, key: ReplayKey) -> Result<Option<Replay>, Error> {
        let now = self.clock.now();
        let kept = self.read(move |conn| load::replay(conn, aid, &key)).await?;
        Ok(kept.filter(|replay| replay.is_live(now)))
    }

    async fn card(
        &self,
        aid: Aid,
        card_id: &CardId,
        deleted_too: bool,
        now: Timestamp,
    ) -> Result<Option<CardDetails>, Error> {
        let card_id = card_id.clone();
        let shown = move |card: &Card| deleted_too || card.deleted_at.is_none();
        self.read(move |conn| cards::details(conn, aid, &card_id, now, shown)).await
    }

    async fn bearer(&self, aid: Aid, token: TokenMac, now: Timestamp) -> Result<Option<Card>, Error> {
        self.read(move |conn| cards::of_bearer(conn, aid, &token, now)).await
    }

    async fn cards(&self, aid: Aid, query: &CardQuery) -> Result<CardPage, Error> {
        let query = query.clone();
        self.list(move |conn| cards::page(conn, aid, &query)).await
    }

    async fn customer_cards(&self, aid: Aid, query: &CustomerCardsQuery) -> Result<Vec<Card>, Error> {
        let query = query.clone();
        self.list(move |conn| cards::of_customer(conn, aid, &query)).await
    }

    async fn customer_card(
        &self,
        aid: Aid,
        customer: &CustomerId,
        card_id: &CardId,
        now: Timestamp,
    ) -> Result<Option<CardDetails>, Error> {
        let (customer, card_id) = (customer.clone(), card_id.clone());
        let shown =
            move |card: &Card| card.deleted_at.is_none() && card.customer_id.as_ref() == Some(&customer);
        self.read(move |conn| cards::details(conn, aid, &card_id, now, shown)).await
    }

    async fn history(
        &self,
        aid: Aid,
        card_id: &CardId,
        query: &HistoryQuery,
    ) -> Result<Option<Vec<CardTransaction>>, Error> {
        let (card_id, query) = (card_id.clone(), *query);
        self.list(move |conn| transactions::history(conn, aid, &card_id, &query)).await
    }

    async fn transaction(&self, aid: Aid, id: TransactionId) -> Result<Option<CardTransaction>, Error> {
        self.read(move |conn| transactions::by_id(conn, aid, id)).await
    }

    async fn transactions(&self, aid: Aid, query: &TransactionQuery) -> Result<TransactionPage, Error> {
        let query = query.clone();
        self.list(move |conn| transactions::page(conn, aid, &query)).await
    }

    async fn audit(&self, aid: Aid, query: &AuditQuery) -> Result<AuditPage, Error> {
        let query = query.clone();
        self.list(move |conn| audit::page(conn, aid, &query)).await
    }

    async fn lapsed_cards(&self, aid: Aid, now: Timestamp, limit: u32) -> Result<Vec<CardUuid>, Error> {
        self.read(move |conn| load::lapsed_cards(conn, aid, now, limit)).await
    }

    async fn liability(&self, aid: Aid, now: Timestamp) -> Result<Liability, Error> {
        let read = move |conns: &mut [Connection]| liability::now(conns, aid, now);
        Ok(self.report(liability::parts(), read).await?.into_liability(now))
    }

    async fn liability_at(&self, aid: Aid, at: Timestamp) -> Result<Option<Liability>, Error> {
        self.report(1, move |conns| match conns {
            [conn, ..] => liability::at(conn, aid, at),
            [] => Ok(None),
        })
        .await
    }

    async fn close_days(&self, aid: Aid, now: Timestamp) -> Result<usize, Error> {
        if !self.read(move |conn| closing::is_due(conn, aid, now)).await? {
            return Ok(0);
        }
        // In its turn behind what was begun before `now`: nothing dated within a day that is over comes after it.
        self.write(move |conn| closing::reopen(conn, aid, now)).await?;
        let due = match self.closings_due(aid, now).await {
            Err(Error::Damaged(place)) if is_of_closings(&place) => {
                tracing::warn!(%aid, place, "an account's closings are damaged; its days are closed anew");
                self.write(move |conn| closing::forget(conn, aid)).await?;
                self.closings_due(aid, now).await
            }
            due => due,
        }?;
        self.write(move |conn| closing::write(conn, aid, &due)).await
    }

    async fn clients(&self, aid: Aid) -> Result<Vec<Client>, Error> {
        self.list(move |conn| load::clients(conn, aid)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.read(admin::accounts).await
    }

    async fn create_account(
        &self,
        account: &Account,
        first: &Client,
        only_first: bool,
    ) -> Result<bool, Error> {
        let (account, first) = (account.clone(), first.clone());
        self.write(move |conn| admin::create_account(conn, &account, &first, only_first)).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        let now = self.clock.now();
        self.read(move |conn| admin::signing_keys(conn, now)).await
    }

    async fn put_signing_key(
        &self,
        key: &SigningKey,
        retire_at: Timestamp,
        now: Timestamp,
        unless_since: Option<Timestamp>,
    ) -> Result<bool, Error> {
        let key = key.clone();
        self.write(move |conn| admin::put_signing_key(conn, &key, retire_at, now, unless_since)).await
    }

    async fn server_value(&self, name: &str, if_absent: &[u8]) -> Result<Vec<u8>, Error> {
        let wanted = name.to_owned();
        let set = self.read(move |conn| admin::server_value(conn, &wanted)).await?;
        if let Some(value) = set {
            return Ok(value);
        }
        let (name, if_absent) = (name.to_owned(), if_absent.to_vec());
        self.write(move |conn| admin::set_server_value(conn, &name, &if_absent)).await
    }

    async fn forget_replays(&self, aid: Aid, now: Timestamp) -> Result<usize, Error> {
        let mut forgotten = 0;
        loop {
            match self.write(move |conn| admin::forget_replays(conn, aid, now)).await? {
                0 => return Ok(forgotten),
                some => forgotten += some,
            }
        }
    }

    async fn backup(&self, file: &Path) -> Result<(), Error> {
        self.check_sound()?;
        // A connection of its own: a copy may take longer than any read should.
        let (database, file) = (self.files.database.clone(), file.to_owned());
        let copied = tokio::task::spawn_blocking(move || {
            let cache_kib = 2 * 1_024;
            let source = connection::reader(&database, cache_kib)?;
            backup::to_new_file(&source, &file)
        });
        copied.await.unwrap_or_else(|_| Err(Error::Internal("the backup ended by a panic".to_owned())))
    }

    async fn check(&self) -> Result<(), Error> {
        if let Some(committer) = &self.committer {
            committer.check_open()?;
        }
        // One asks for all who ask meanwhile.
        let mut worked_at = self.worked_at.lock().await;
        if worked_at.is_some_and(|at| at.elapsed() < CHECK_LASTS) {
            return Ok(());
        }
        self.read(|conn| Ok(conn.query_row("SELECT max(version) FROM schema", [], |_| Ok(()))?)).await?;
        if self.committer.is_some() {
            // Waits its turn behind the group that is being committed, and begins a transaction to write.
            self.write(|_| Ok(())).await?;
        }
        *worked_at = Some(Instant::now());
        Ok(())
    }

    fn load(&self) -> Load {
        let committer = self.committer.as_ref();
        let (commits_total, orders_total) = committer.map_or((0, 0), |committer| committer.totals());
        Load {
            queued_orders: committer.map_or(0, |committer| committer.queued()),
            commits_total,
            orders_total,
            wal_bytes: self.files.wal_bytes(),
        }
    }

    async fn failed(&self) {
        let Some(committer) = &self.committer else {
            return std::future::pending().await;
        };
        let mut has_failed = committer.has_failed();
        // The sender lives as long as the store; were it gone, nothing would fail any more.
        if has_failed.wait_for(|failed| *failed).await.is_err() {
            std::future::pending().await
        }
    }

    async fn close(&self) -> Result<(), Error> {
        self.readers.close().await;
        let committer = self.committer.clone();
        let closed = tokio::task::spawn_blocking(move || committer.as_deref().map(Committer::close));
        closed.await.map(|_| ()).map_err(|_| Error::Internal("closing failed".to_owned()))
    }
}
