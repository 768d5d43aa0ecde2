//! A service on a real store, with a clock that can be set.

#![allow(dead_code, reason = "each test program uses its own part of this")]

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{
    Aid, Amount, Audience, CardId, CardType, Clock, Currency, Dates, Format, FormatRequest, Metadata, Mode,
    Name, RefId, ScopeSet, Timestamp,
};
use service::{
    BatchRequest, Caller, CardRequest, Credentials, FirstClient, MasterKey, Movement, NewAccount, NewClient,
    Parts, Permission, Permit, PublicHosts, Secret, Service, SystemRandom, TokenTerms, TransactionRequest,
    WriteAccounts,
};
use store::{SqliteSettings, SqliteStore};
use tempfile::TempDir;

/// A clock that stands still until it is moved.
pub struct SetClock(AtomicI64);

impl SetClock {
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::try_from(self.0.load(Ordering::SeqCst)).expect("a time")
    }
}

pub struct World {
    pub dir: TempDir,
    pub clock: Arc<SetClock>,
    pub master_key: MasterKey,
    pub store: Arc<SqliteStore>,
    pub service: Arc<Service>,
    pub aid: Aid,
    pub first: FirstClient,
}

pub fn network() -> service::Network {
    IpAddr::from([127, 0, 0, 1]).into()
}

pub fn parts(world_store: &Arc<SqliteStore>, clock: &Arc<SetClock>, master_key: &MasterKey) -> Parts {
    Parts {
        store: world_store.clone(),
        master_key: master_key.clone(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        hosts: PublicHosts::new(&["https://cards.example".to_owned()], &["api.dintero.com".to_owned()]),
    }
}

impl World {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(SetClock(1_800_000_000_000.into()));
        let master_key = MasterKey::generate(&SystemRandom);
        let (settings, pin_check) = (SqliteSettings::default(), service::pin_checker(&master_key));
        let store = SqliteStore::open(dir.path(), clock.clone(), settings, pin_check).expect("a store");
        let service = Service::open(parts(&store, &clock, &master_key)).await.expect("a service");
        let first = service.make_first_client(Name::try_from("first").expect("a name"));
        let new = NewAccount {
            aid: Some(Aid::try_from("T12345678").expect("an account id")),
            mode: Mode::Test,
            name: "Test".to_owned(),
            default_currency: Currency::NOK,
        };
        let account = service.create_account(&new, &first, true).await.expect("made").expect("the first");
        Self { dir, clock, master_key, store, service, aid: account.aid, first }
    }

    pub fn audience(&self) -> Audience {
        Audience::try_from(format!("https://cards.example/v1/accounts/{}", self.aid).as_str())
            .expect("an audience")
    }

    pub fn token_of(&self, client_id: &str, secret: &Secret) -> Result<Secret, service::Error> {
        let credentials = Credentials { client_id: client_id.to_owned(), client_secret: secret.clone() };
        let who = self.service.check_credentials(self.aid, &credentials, network())?;
        Ok(self.service.issue_access_token(&who, &self.audience())?.value)
    }

    pub fn first_token(&self) -> Secret {
        self.token_of(self.first.client_id.as_str(), &self.first.secret).expect("the first client's token")
    }

    pub async fn caller(&self, token: &Secret) -> Result<Caller, service::Error> {
        self.service.authenticate(token.expose(), self.aid, self.service.new_request_id()).await
    }

    pub async fn permit<P: Permission>(&self) -> Permit<P> {
        let caller = self.caller(&self.first_token()).await.expect("the first client");
        caller.permit().expect("the first client may do everything")
    }

    /// A client that holds `scopes`: its id, name and secret.
    pub async fn client_with(&self, scopes: &str) -> (domain::Client, Secret) {
        let permit: Permit<WriteAccounts> = self.permit().await;
        let new = NewClient { name: Name::try_from("till").expect("a name"), description: None };
        let made = self.service.create_client(&permit, &new, None).await.expect("a client");
        let scopes = ScopeSet::try_from(scopes).expect("known scopes");
        self.service.create_grant(&permit, made.client.uuid, self.audience(), scopes).await.expect("a grant");
        (made.client, made.secret)
    }
}

pub fn card(card_id: &str) -> CardRequest {
    CardRequest {
        card_id: CardId::try_from(card_id).expect("a card id"),
        kind: CardType::GiftCard,
        name: None,
        customer_id: None,
        originated_by: None,
        metadata: Metadata::default(),
        dates: Dates::default(),
    }
}

pub fn batch(ids: impl IntoIterator<Item = String>) -> BatchRequest {
    let format = FormatRequest::default();
    BatchRequest {
        cards: ids.into_iter().map(|id| card(&id)).collect(),
        pin: Format::pin(&format).expect("the default"),
        token: TokenTerms {
            format: Format::token(&format).expect("the default"),
            expires_after_transaction: false,
            expires_in: None,
            metadata: Metadata::default(),
        },
    }
}

pub fn drawdown(token: &str, ref_id: &str, minor_units: i64) -> TransactionRequest {
    TransactionRequest {
        token: Some(Secret::new(token.to_owned())),
        card_id: None,
        pin: None,
        ref_id: RefId::try_from(ref_id).expect("a reference"),
        amount: Amount::try_from(minor_units).expect("an amount"),
        currency: Currency::NOK,
        movement: Movement::Drawdown { allow_partial: false, pending: None },
        originated_by: None,
        metadata: Metadata::default(),
    }
}
