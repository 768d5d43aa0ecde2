//! What a caller may do: the use cases, between the wire and the store.
//!
//! Only this crate touches time and randomness, and only it knows secrets in the clear.

mod access;
mod accounts;
mod audit;
mod cards;
mod clients;
mod clock;
mod error;
mod guesses;
mod info;
mod making;
mod news;
mod present;
mod reports;
mod secrets;
mod settings;
mod transactions;
mod upkeep;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Aid, Clock, Command, Decision, Mode, Order, Outcome, RequestId, Timestamp};
pub use store::{
    AuditFilter, AuditPage, AuditPlace, AuditQuery, AuditRecord, AuditSource, CardFilter, CardPage,
    CardTransaction, HistoryQuery, Liability, LiabilityRow, Month, TransactionFilter, TransactionPage,
    TransactionQuery,
};
use store::{Load, Store};
use uuid::{ContextV7, Uuid};

pub use access::{
    AccessToken, ActivateCards, AdjustCards, AnyScope, Authenticated, Caller, CreateCards, Credentials,
    EveryTransaction, ForfeitCards, LookUpCards, Network, Permission, Permit, PublicHosts, PublicKey,
    ReadAccounts, ReadCards, ReadCustomerCards, RotationFault, ShortenCards, WriteAccounts, WriteCards,
    WriteSettings, WriteTransactions,
};
use access::{Bearers, Budgets, Directory, NewKey, SigningKeys};
pub use accounts::{FirstClient, NewAccount, SECRET_CHARACTERS_MIN};
pub use cards::{
    ActivateRequest, AdjustRequest, BatchRequest, CardChange, CardRequest, CreateCardRequest,
    CreateTokenRequest, CustomerListRequest, ListRequest, MadeBatch, MadeCard, MadePin, MadeToken,
    ReplaceRequest, ReplacedCard, TokenTerms,
};
pub use clients::{MadeClient, NewClient};
pub use clock::{SystemClock, deadline};
pub use error::Error;
pub use making::Idempotency;
pub use present::Present;
pub use secrets::{MASTER_KEY_CHECK, MasterKey, MasterKeyFault, Random, Secret, SystemRandom, pin_checker};
pub use transactions::{CaptureRequest, Movement, TransactionRequest, VoidRequest};

/// How long an order may wait for its commit before it is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the service is built from.
pub struct Parts {
    /// Where everything is remembered.
    pub store: Arc<dyn Store>,
    /// What every key is derived from.
    pub master_key: MasterKey,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<dyn Random>,
    /// Under which hosts the server is known.
    pub hosts: PublicHosts,
}

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The database was made under another master key.
    #[error("this is not the master key that the database was made with")]
    WrongMasterKey,
    /// The signing keys could not be made or read.
    #[error(transparent)]
    Keys(#[from] RotationFault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The use cases.
pub struct Service {
    store: Arc<dyn Store>,
    keys: secrets::Keys,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    hosts: PublicHosts,
    ids: Mutex<ContextV7>,
    directory: Arc<Directory>,
    signing: SigningKeys,
    bearers: Bearers,
    budgets: Budgets,
}

impl Service {
    /// Starts on a store: checks the master key against it, makes what a new one lacks, reads what every request
    /// needs.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, OpenFault> {
        let keys = secrets::Keys::derive(&parts.master_key);
        let expected = keys.check_value();
        let kept = parts.store.server_value(MASTER_KEY_CHECK, &expected).await?;
        if !parts.master_key.is_of(&kept) {
            return Err(OpenFault::WrongMasterKey);
        }
        let budgets = Budgets::new(&keys);
        let service = Self {
            store: parts.store,
            keys,
            clock: parts.clock,
            random: parts.random,
            hosts: parts.hosts,
            ids: Mutex::new(ContextV7::new()),
            directory: Arc::default(),
            signing: SigningKeys::default(),
            bearers: Bearers::new(),
            budgets,
        };
        service.directory.load(&*service.store).await?;
        service.signing.load(&*service.store, &service.keys).await?;
        for mode in [Mode::Test, Mode::Production] {
            if service.signing.signer(mode).is_none() {
                service.make_signing_key(mode, Some(Timestamp::EPOCH)).await?;
            }
        }
        Ok(Arc::new(service))
    }

    /// The present instant by the server's clock; an account's own is [`Service::now_in`].
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh id for a request.
    pub fn new_request_id(&self) -> RequestId {
        RequestId(self.new_id())
    }

    /// Who bears this access token, asking for something of `aid`.
    pub async fn authenticate(&self, token: &str, aid: Aid, request: RequestId) -> Result<Caller, Error> {
        if self.bearers.should_reload(&self.signing, token, self.now())
            && let Err(fault) = self.signing.load(&*self.store, &self.keys).await
        {
            tracing::error!(%fault, "the signing keys could not be read anew");
        }
        self.bearers.check(&self.signing, &self.directory, token, aid, self.now(), request)
    }

    /// The public keys with which tokens of `permit`'s account can be verified.
    pub fn account_keys(&self, permit: &Permit<AnyScope>) -> Vec<PublicKey> {
        self.signing.public(Some(permit.caller().aid.mode()), self.now())
    }

    /// Every public key, for `/.well-known/jwks.json`.
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.signing.public(None, self.now())
    }

    /// Makes another signing key; the present one verifies until the last token it signed has expired.
    pub async fn rotate_signing_key(&self, mode: Mode) -> Result<(), RotationFault> {
        self.make_signing_key(mode, None).await
    }

    /// Makes another signing key, unless the mode has one that was made at `unless_since` or later.
    async fn make_signing_key(
        &self,
        mode: Mode,
        unless_since: Option<Timestamp>,
    ) -> Result<(), RotationFault> {
        let now = self.now();
        let retire_at = now.plus_seconds(access::LIFE_SECONDS);
        let new = NewKey { mode, issuer_host: self.hosts.first(), now, retire_at };
        self.signing.rotate(&*self.store, &self.keys, new, unless_since).await?;
        Ok(())
    }

    /// Whether requests can be served.
    pub async fn check(&self) -> Result<(), Error> {
        Ok(self.store.check().await?)
    }

    /// How busy the store is.
    pub fn load(&self) -> Load {
        self.store.load()
    }

    fn new_id(&self) -> Uuid {
        let unix_ms = u64::try_from(self.now().unix_ms()).unwrap_or_default();
        let (seconds, nanos) =
            (unix_ms / 1_000, u32::try_from(unix_ms % 1_000 * 1_000_000).unwrap_or_default());
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(uuid::Timestamp::from_unix(&*ids, seconds, nanos))
    }

    async fn submit(&self, caller: &Caller, command: Command) -> Result<Decision, Error> {
        let order = Order { actor: caller.actor, request: caller.request, idempotency: None, command };
        self.submit_order(caller.aid, order).await
    }

    async fn submit_order(&self, aid: Aid, order: Order) -> Result<Decision, Error> {
        let deadline = deadline(PATIENCE);
        if !is_known_here(&order.command) {
            return Ok(self.store.submit(aid, order, deadline).await?);
        }
        let (store, directory) = (self.store.clone(), self.directory.clone());
        // Detached from the caller, who may hang up: what was committed must be known here at once.
        let work = async move {
            let _changing = directory.changing().await;
            let decision = store.submit(aid, order, deadline).await;
            match &decision {
                Ok(Ok(Outcome::Client(client) | Outcome::Grant(_, client))) => {
                    directory.put(aid, (**client).clone());
                }
                Ok(Ok(Outcome::Account(account))) => directory.put_account((**account).clone()),
                _ => {}
            }
            decision
        };
        Ok(tokio::spawn(work).await.map_err(|_| Error::Internal)??)
    }
}

/// Whether the directory must know what the command changes.
fn is_known_here(command: &Command) -> bool {
    matches!(command, Command::Client(_) | Command::ChangeSettings(_) | Command::MoveTestClock(_))
}
