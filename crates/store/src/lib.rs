//! How cards are remembered.
//!
//! A [`Store`] takes [`Order`]s one by one and answers each when it is durable; behind it a committer gathers
//! what is waiting, loads what that needs, lets the domain decide, writes the changes and commits once for
//! all. Reads do not pass the committer. Only this crate knows SQL.

mod closings;
mod committer;
mod conditions;
mod error;
mod migration;
mod postgres;
mod query;
mod relocate;
mod report;
mod rows;
mod shared;
mod snapshots;
mod sqlite;
#[cfg(feature = "suite")]
pub mod suite;
mod tally;
mod verify;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use domain::{
    Account, Aid, Card, CardDetails, CardId, CardUuid, Client, CustomerId, Decision, Mode, Order, PinMac,
    PresentedPin, Replay, ReplayKey, Timestamp, TokenMac, TransactionId,
};

pub use committer::Limits;
pub use error::Error;
pub use postgres::{Planned, PostgresInspected, PostgresSettings, PostgresStore};
pub use query::{
    AuditFilter, AuditPage, AuditPlace, AuditQuery, AuditRecord, AuditSource, CardFilter, CardPage,
    CardQuery, CardTransaction, CustomerCardsQuery, HistoryQuery, TransactionFilter, TransactionPage,
    TransactionQuery,
};
pub use relocate::{MoveStep, Moved, Place, relocate};
pub use report::{Liability, LiabilityRow, Month};
pub use shared::{BudgetKey, Failures, News, SharedBudget, Turn};
pub use sqlite::{SqliteSettings, SqliteStore};
pub use verify::{Progress, Sums, Total, Verified, Wrong};

/// A server-wide key that signs access tokens, its private half sealed under the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The key's `kid`.
    pub kid: String,
    /// Which accounts' tokens it signs.
    pub mode: Mode,
    /// The host part of the issuer its tokens name.
    pub issuer_host: String,
    /// The public key, DER-encoded (PKCS #1 `RSAPublicKey`).
    pub public_der: Vec<u8>,
    /// The private key, sealed; gone once the key is retired.
    pub sealed_private: Option<Vec<u8>>,
    /// Which version of the master key sealed it.
    pub key_version: u16,
    /// When it was made. The newest one signs.
    pub created_at: Timestamp,
    /// From when on it verifies nothing any more; absent while it may sign.
    pub verifies_until: Option<Timestamp>,
}

/// Tells in constant time whether a PIN that was presented for a card is the one behind a keyed hash. A store hands
/// it to the domain, because only who opens the store has the keys.
pub type PinChecker = Arc<dyn Fn(CardUuid, &PresentedPin, &PinMac) -> bool + Send + Sync>;

/// How busy a store is, for metrics and readiness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Orders that wait to be committed.
    pub queued_orders: usize,
    /// Groups committed since the start.
    pub commits_total: u64,
    /// Orders answered from a commit since the start.
    pub orders_total: u64,
    /// Bytes of the write-ahead log, where the store keeps one of its own.
    pub wal_bytes: u64,
}

/// Where cards, clients and keys are remembered. Every method is one whole transaction.
#[async_trait]
pub trait Store: Send + Sync {
    /// Carries out an order, durably, or refuses it. The outer error means that the order was not judged, but
    /// for [`Error::OutcomeUnknown`]. An order still waiting at `deadline` is given up before any work.
    ///
    /// Dropping the future does not stop an order that was accepted into the queue.
    async fn submit(&self, aid: Aid, order: Order, deadline: Instant) -> Result<Decision, Error>;

    /// The answer kept under a key, if it has not run out.
    async fn replay(&self, aid: Aid, key: ReplayKey) -> Result<Option<Replay>, Error>;

    /// A card and its tokens, with what has lapsed at `now` freed; one that was deleted only when asked for.
    async fn card(
        &self,
        aid: Aid,
        card_id: &CardId,
        deleted_too: bool,
        now: Timestamp,
    ) -> Result<Option<CardDetails>, Error>;

    /// The card that bears a live token, with what has lapsed at `now` freed: neither card nor token deleted, and
    /// the token not past its own time. A token that was used up still counts.
    async fn bearer(&self, aid: Aid, token: TokenMac, now: Timestamp) -> Result<Option<Card>, Error>;

    /// A page of cards, newest first by when they were made, then by their ids.
    async fn cards(&self, aid: Aid, query: &CardQuery) -> Result<CardPage, Error>;

    /// A customer's cards that are neither deleted, inactive nor expired, oldest first in the same sense.
    async fn customer_cards(&self, aid: Aid, query: &CustomerCardsQuery) -> Result<Vec<Card>, Error>;

    /// A customer's card and its tokens, unless deleted.
    async fn customer_card(
        &self,
        aid: Aid,
        customer: &CustomerId,
        card_id: &CardId,
        now: Timestamp,
    ) -> Result<Option<CardDetails>, Error>;

    /// A part of a card's history, oldest first; none where there is no such card. A deleted card has its history.
    async fn history(
        &self,
        aid: Aid,
        card_id: &CardId,
        query: &HistoryQuery,
    ) -> Result<Option<Vec<CardTransaction>>, Error>;

    /// A transaction by its id.
    async fn transaction(&self, aid: Aid, id: TransactionId) -> Result<Option<CardTransaction>, Error>;

    /// A page of the account's transactions, newest first.
    async fn transactions(&self, aid: Aid, query: &TransactionQuery) -> Result<TransactionPage, Error>;

    /// A page of what was done in the account, newest first.
    async fn audit(&self, aid: Aid, query: &AuditQuery) -> Result<AuditPage, Error>;

    /// Cards of the account with locks that have run out at `now`, at most so many.
    async fn lapsed_cards(&self, aid: Aid, now: Timestamp, limit: u32) -> Result<Vec<CardUuid>, Error>;

    /// What the account owes on its cards at `now`: from the cards themselves.
    async fn liability(&self, aid: Aid, now: Timestamp) -> Result<Liability, Error>;

    /// What the account owed at a past instant: from the last day that was closed before it and what came since.
    /// None before the first day that was closed.
    async fn liability_at(&self, aid: Aid, at: Timestamp) -> Result<Option<Liability>, Error>;

    /// Closes some of the account's days that ended some minutes before `now` and were not closed; answers how many
    /// it closed.
    async fn close_days(&self, aid: Aid, now: Timestamp) -> Result<usize, Error>;

    /// Every client of an account with its grants, deleted ones too, oldest first.
    async fn clients(&self, aid: Aid) -> Result<Vec<Client>, Error>;

    /// Every account, oldest first.
    async fn accounts(&self) -> Result<Vec<Account>, Error>;

    /// Makes an account and its first client. With `only_first`, does nothing where any account exists.
    /// Answers whether it made the account.
    async fn create_account(
        &self,
        account: &Account,
        first: &Client,
        only_first: bool,
    ) -> Result<bool, Error>;

    /// Every signing key whose tokens may still be alive, oldest first.
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error>;

    /// Remembers a signing key and, from `retire_at` on, lets the older ones of its mode verify nothing; their
    /// private halves are forgotten at once. Keys that verify nothing at `now` are deleted. Does nothing where the
    /// mode has a key that was made at `unless_since` or later. Answers whether it remembered the key.
    async fn put_signing_key(
        &self,
        key: &SigningKey,
        retire_at: Timestamp,
        now: Timestamp,
        unless_since: Option<Timestamp>,
    ) -> Result<bool, Error>;

    /// A server-wide value by name: the first that was set, which never changes after.
    async fn server_value(&self, name: &str, if_absent: &[u8]) -> Result<Vec<u8>, Error>;

    /// Forgets the account's kept answers that have run out at `now`; answers how many.
    async fn forget_replays(&self, aid: Aid, now: Timestamp) -> Result<usize, Error>;

    /// Writes a consistent copy of everything to a new file while the store is in use, and verifies it.
    async fn backup(&self, file: &Path) -> Result<(), Error>;

    /// Reads and writes nothing, but fails where the store could not. That it could is remembered for a second.
    async fn check(&self) -> Result<(), Error>;

    /// How busy the store is.
    fn load(&self) -> Load;

    /// Waits until another program may have changed what this one remembers, and tells what. One caller waits at a
    /// time. Never answers where no other program can write.
    async fn news(&self) -> News {
        std::future::pending().await
    }

    /// Adds failures counted here to those that other programs counted. Answers what all of them come to on every
    /// budget that is not whole at `now`, ten thousand at most and the emptiest first. Where no other program counts,
    /// there is nothing to tell and nothing to learn.
    async fn share_failures(
        &self,
        _failures: &[Failures],
        _now: Timestamp,
    ) -> Result<Vec<SharedBudget>, Error> {
        Ok(Vec::new())
    }

    /// A turn at a job, unless another program has it now.
    async fn try_turn(&self, _job: &str) -> Result<Option<Turn>, Error> {
        Ok(Some(Turn::alone()))
    }

    /// Resolves once the program is to end with a failure and be started again, which tells what was committed.
    /// Nothing is written from then on.
    async fn failed(&self) {
        std::future::pending().await
    }

    /// Takes nothing new, carries out what was accepted and lets go of the database.
    async fn close(&self) -> Result<(), Error>;
}
