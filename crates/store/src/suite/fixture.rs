//! What the cases share: an account with a client, a clock that is set by hand, and short ways to say what
//! is asked.

use std::any::Any;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use domain::{
    Account, Activate, Actor, Aid, Amount, Audience, BatchId, Card, CardDetails, CardId, CardSelector,
    Client, ClientId, ClientUuid, Clock, Command, CreateBatch, CreateCard, CreateToken, Currency, CustomerId,
    Dates, Decision, DeleteCard, Drawdown, Format, FormatRequest, Grant, GrantId, IdempotencyClaim,
    IdempotencyMac, Metadata, Name, NewCard, NewPin, NewToken, Operation, Order, OriginatedBy, Outcome,
    PinMac, RefId, Refusal, ReplayKey, RequestId, RequestMac, ScopeSet, SecretMac, Timestamp, TokenMac,
    TokenUuid, Transaction, TransactionId,
};
use uuid::Uuid;

use super::ask::Ask;
use crate::{CardFilter, CardQuery, CustomerCardsQuery, Error, Store};

/// A clock that stands until it is set. It starts at noon on a day in 2026.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

const START_MS: i64 = 1_780_000_000_000;

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicI64::new(START_MS))
    }
}

impl TestClock {
    /// Lets the clock show `ms` more; less where it is negative.
    pub fn move_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        time(self.0.load(Ordering::SeqCst))
    }
}

/// A store that was opened for one case.
pub struct Opened {
    /// The store, empty.
    pub store: Arc<dyn Store>,
    /// Whatever must live as long as it does.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// One case's store, with an account and a client that holds every scope.
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// The account that is meant where none is named.
    pub aid: Aid,
    /// The client that asks where no other is named.
    pub client: ClientUuid,
    next_id: AtomicU64,
    _keep: Box<dyn Any + Send + Sync>,
}

/// An instant by its milliseconds.
pub fn time(unix_ms: i64) -> Timestamp {
    Timestamp::try_from(unix_ms).expect("a time between 1970 and 9999")
}

/// An amount in minor units.
pub fn amount(minor_units: i64) -> Amount {
    Amount::try_from(minor_units).expect("an amount within bounds")
}

/// A card's id by its text.
pub fn card_id(text: &str) -> CardId {
    CardId::try_from(text).expect("a legal card_id")
}

/// A reference by its text.
pub fn ref_id(text: &str) -> RefId {
    RefId::try_from(text).expect("a legal ref_id")
}

/// A customer by its text.
pub fn customer(text: &str) -> CustomerId {
    CustomerId::try_from(text).expect("a legal customer_id")
}

/// A name by its text.
pub fn name(text: &str) -> Name {
    Name::try_from(text).expect("a legal name")
}

/// An origin by its text.
pub fn origin(text: &str) -> OriginatedBy {
    OriginatedBy::try_from(text).expect("a legal originated_by")
}

/// A currency by its code.
pub fn currency(code: &str) -> Currency {
    Currency::try_from(code).expect("a currency")
}

/// Scopes by their names.
pub fn scopes(text: &str) -> ScopeSet {
    ScopeSet::try_from(text).expect("known scopes")
}

/// An account's id.
pub fn aid(text: &str) -> Aid {
    Aid::try_from(text).expect("an account id")
}

/// 32 bytes that stand for a keyed hash of `text`.
fn mac(text: &str) -> [u8; 32] {
    let mut mac = [0_u8; 32];
    for (place, byte) in text.bytes().enumerate() {
        mac[place % 32] = mac[place % 32].rotate_left(3).wrapping_add(byte);
    }
    mac
}

/// What a token with this value is looked up by.
pub fn token_mac(value: &str) -> TokenMac {
    TokenMac { key_version: 1, mac: mac(value) }
}

/// What a client's secret is checked by.
pub fn secret_mac(value: &str) -> SecretMac {
    SecretMac { key_version: 1, mac: mac(value) }
}

/// The card with this id.
pub fn by_id(id: &str) -> CardSelector {
    CardSelector::CardId(card_id(id))
}

/// The card of the bearer of this token.
pub fn by_token(value: &str) -> CardSelector {
    CardSelector::Token(token_mac(value))
}

/// A PIN with this value.
pub fn pin(value: &str) -> NewPin {
    let mac = PinMac { key_version: 1, mac: mac(value) };
    let format = Format::pin(&FormatRequest::default()).expect("the default PIN format");
    NewPin { mac, format }
}

/// A query for every card at `now`, all on one page.
pub fn every_card(now: Timestamp) -> CardQuery {
    CardQuery {
        limit: 100,
        starting_after: None,
        looks_max: 20_000,
        include_deleted: false,
        filter: CardFilter::default(),
        now,
    }
}

/// An instant far enough for whatever is asked in a test.
pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

impl Fixture {
    /// An account and its client in a fresh store.
    pub async fn new(opened: Opened, clock: Arc<TestClock>) -> Self {
        let fixture = Self {
            store: opened.store,
            clock,
            aid: aid("T00000001"),
            client: ClientUuid(Uuid::from_u128(0xC11E)),
            next_id: AtomicU64::new(1),
            _keep: opened.keep,
        };
        let first = fixture.new_client("first", "admin:accounts admin:wallets admin:hooks");
        let first = Client { uuid: fixture.client, ..first };
        fixture.add_account(fixture.aid, &first).await;
        fixture
    }

    /// Makes an account with its first client.
    pub async fn add_account(&self, aid: Aid, first: &Client) {
        let account = self.account(aid);
        let made = self.store.create_account(&account, first, false).await;
        assert_eq!(made, Ok(true), "a new account");
    }

    /// An account that was not made yet.
    pub fn account(&self, aid: Aid) -> Account {
        Account { aid, name: "A shop".to_owned(), default_currency: Currency::NOK, created_at: self.now() }
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the clock will show in so many seconds.
    pub fn in_seconds(&self, seconds: u32) -> Timestamp {
        self.now().plus_seconds(seconds)
    }

    /// An id later than all before it.
    pub fn uuid(&self) -> Uuid {
        let number = self.next_id.fetch_add(1, Ordering::SeqCst);
        Uuid::from_u128((0x0190_0000_0000_7000_u128 << 64) | u128::from(number))
    }

    /// An order of the fixture's client.
    pub fn order(&self, command: impl Ask) -> Order {
        self.order_of(self.actor(0), command)
    }

    /// The fixture's client at a generation.
    pub fn actor(&self, generation: u32) -> Actor {
        Actor::Client { uuid: self.client, generation }
    }

    /// An order of somebody else.
    pub fn order_of(&self, actor: Actor, command: impl Ask) -> Order {
        Order { actor, request: RequestId(self.uuid()), idempotency: None, command: command.command() }
    }

    /// An order that answers the same when it is repeated under the same key.
    pub fn keyed(&self, operation: Operation, key: &str, request: &str, command: impl Ask) -> Order {
        let claim = IdempotencyClaim {
            key: self.replay_key(operation, key),
            request: RequestMac { key_version: 1, mac: mac(request) },
            sealed: format!("sealed under {key}").into_bytes(),
        };
        Order { idempotency: Some(claim), ..self.order(command) }
    }

    /// Under what such an order's answer is kept.
    pub fn replay_key(&self, operation: Operation, key: &str) -> ReplayKey {
        let key = IdempotencyMac { key_version: 1, mac: mac(key) };
        ReplayKey { client: self.client, operation, key }
    }

    /// What becomes of an order.
    pub async fn submit(&self, order: Order) -> Decision {
        self.try_submit(self.aid, order).await.expect("a decision")
    }

    /// What becomes of an order in an account.
    pub async fn try_submit(&self, aid: Aid, order: Order) -> Result<Decision, Error> {
        self.store.submit(aid, order, soon()).await
    }

    /// What becomes of orders that are all under way at once, accepted in this order.
    pub async fn submit_all(&self, orders: Vec<Order>) -> Vec<Decision> {
        let mut running: Vec<_> =
            orders.into_iter().map(|order| Box::pin(self.try_submit(self.aid, order))).collect();
        // Polled once, each has been accepted; only then is the first answer waited for.
        let accept = |context: &mut Context<'_>| {
            let polled = running.iter_mut().map(|order| order.as_mut().poll(context));
            Poll::Ready(polled.collect::<Vec<_>>())
        };
        let answered = poll_fn(accept).await;
        let mut decisions = Vec::new();
        for (order, answer) in running.into_iter().zip(answered) {
            let answer = match answer {
                Poll::Ready(answer) => answer,
                Poll::Pending => order.await,
            };
            decisions.push(answer.expect("a decision"));
        }
        decisions
    }

    /// What becomes of a command of the fixture's client.
    pub async fn ask(&self, command: impl Ask) -> Decision {
        self.submit(self.order(command)).await
    }

    /// What becomes of a command that is expected to be carried out.
    pub async fn done(&self, command: impl Ask) -> Outcome {
        self.ask(command).await.expect("carried out")
    }

    /// Why a command is refused.
    pub async fn refused(&self, command: impl Ask) -> Refusal {
        self.ask(command).await.expect_err("refused")
    }

    /// A card to be made, with nothing but its id.
    pub fn new_card(&self, id: &str) -> NewCard {
        NewCard {
            uuid: self.uuid().into(),
            card_id: card_id(id),
            kind: Default::default(),
            name: None,
            customer_id: None,
            originated_by: None,
            metadata: Metadata::default(),
            dates: Dates::default(),
            pin: None,
            token: None,
        }
    }

    /// A token to be made, with this value.
    pub fn new_token(&self, value: &str) -> NewToken {
        NewToken {
            uuid: self.uuid().into(),
            mac: token_mac(value),
            format: Format::token(&FormatRequest::default()).expect("the default token format"),
            masked_code: "DINCARD:****".to_owned(),
            expires_after_transaction: false,
            expires_in: None,
            metadata: Metadata::default(),
        }
    }

    /// A card with money, to be made.
    pub fn create(&self, id: &str, minor_units: i64) -> CreateCard {
        CreateCard {
            card: self.new_card(id),
            amount: amount(minor_units),
            currency: Currency::NOK,
            fund: self.uuid().into(),
        }
    }

    /// Inactive cards, each with a token `token of {id}` and a PIN.
    pub fn batch(&self, ids: &[&str]) -> CreateBatch {
        let card = |id: &&str| NewCard {
            token: Some(self.new_token(&format!("token of {id}"))),
            pin: Some(pin("123456")),
            ..self.new_card(id)
        };
        CreateBatch {
            batch: BatchId(self.uuid()),
            currency: Currency::NOK,
            cards: ids.iter().map(card).collect(),
        }
    }

    /// An activation.
    pub fn activate(&self, id: &str, minor_units: i64) -> Activate {
        Activate {
            card_id: card_id(id),
            ref_id: None,
            amount: amount(minor_units),
            currency: Currency::NOK,
            name: None,
            customer_id: None,
            originated_by: None,
            metadata: None,
            active_from: None,
            expires_at: None,
            token_expires_in: None,
            token_expires_after_transaction: None,
            fund: self.uuid().into(),
        }
    }

    /// A drawdown.
    pub fn draw(&self, card: CardSelector, reference: &str, minor_units: i64) -> Drawdown {
        Drawdown {
            card,
            ref_id: ref_id(reference),
            id: TransactionId(self.uuid()),
            amount: amount(minor_units),
            currency: Currency::NOK,
            originated_by: None,
            metadata: Metadata::default(),
        }
    }

    /// A deletion.
    pub fn delete(&self, id: &str) -> DeleteCard {
        DeleteCard { card_id: card_id(id), forfeit: None }
    }

    /// A token for a card, to be made.
    pub fn token_for(&self, id: &str, reference: &str, value: &str) -> CreateToken {
        CreateToken { card_id: card_id(id), ref_id: ref_id(reference), token: self.new_token(value) }
    }

    /// The deletion of a token.
    pub fn delete_token(&self, id: &str, token: TokenUuid) -> Command {
        Command::DeleteToken { card_id: card_id(id), token }
    }

    /// A client, to be made, that holds these scopes.
    pub fn new_client(&self, id: &str, held: &str) -> Client {
        let audience = format!("https://gavekort.example/v1/accounts/{}", self.aid);
        Client {
            uuid: self.uuid().into(),
            client_id: ClientId::try_from(id).expect("a client_id"),
            name: name(id),
            description: None,
            secret: secret_mac(id),
            generation: 0,
            previous: None,
            created_at: self.now(),
            created_by: None,
            updated_at: self.now(),
            deleted_at: None,
            grants: vec![Grant {
                id: GrantId(self.uuid()),
                audience: Audience::try_from(audience.as_str()).expect("an audience"),
                scopes: scopes(held),
            }],
        }
    }

    /// A card with money that was made.
    pub async fn has_card(&self, id: &str, minor_units: i64) -> Card {
        match self.done(self.create(id, minor_units)).await {
            Outcome::CardCreated(details) => details.card,
            other => panic!("not a card: {other:?}"),
        }
    }

    /// A card with money and a token that was made.
    pub async fn has_card_with_token(&self, id: &str, minor_units: i64, token: NewToken) -> Card {
        let mut create = self.create(id, minor_units);
        create.card.token = Some(token);
        match self.done(create).await {
            Outcome::CardCreated(details) => details.card,
            other => panic!("not a card: {other:?}"),
        }
    }

    /// A transaction that was written.
    pub async fn drawn(&self, drawdown: Drawdown) -> Transaction {
        written(self.done(drawdown).await)
    }

    /// A card as it is read, and its tokens.
    pub async fn read(&self, id: &str) -> CardDetails {
        let read = self.store.card(self.aid, &card_id(id), true).await;
        read.expect("readable").expect("a card")
    }

    /// The ids of the cards that a query lists.
    pub async fn list(&self, query: &CardQuery) -> Vec<String> {
        let page = self.store.cards(self.aid, query).await.expect("a page");
        page.cards.iter().map(|card| card.card_id.to_string()).collect()
    }

    /// The ids of the cards for which a filter holds.
    pub async fn filtered(&self, filter: CardFilter) -> Vec<String> {
        let query = CardQuery { filter, ..every_card(self.now()) };
        self.list(&query).await
    }

    /// The ids of a customer's cards.
    pub async fn cards_of(&self, owner: &str) -> Vec<String> {
        let query = CustomerCardsQuery {
            customer_id: customer(owner),
            limit: 100,
            starting_after: None,
            now: self.now(),
        };
        let cards = self.store.customer_cards(self.aid, &query).await.expect("cards");
        cards.iter().map(|card| card.card_id.to_string()).collect()
    }

    /// A client as it is read.
    pub async fn client(&self, uuid: ClientUuid) -> Client {
        let clients = self.store.clients(self.aid).await.expect("clients");
        let found = clients.into_iter().find(|client| client.uuid == uuid);
        found.expect("a client")
    }
}

/// The transaction an outcome tells of.
pub fn written(outcome: Outcome) -> Transaction {
    match outcome {
        Outcome::Written(transaction, _) => *transaction,
        other => panic!("not a transaction: {other:?}"),
    }
}

/// The card an outcome tells of.
pub fn card(outcome: Outcome) -> Card {
    match outcome {
        Outcome::CardCreated(details) => details.card,
        Outcome::CardActivated(details) => details.card,
        Outcome::CardDeleted(card) | Outcome::PinRotated(card) => *card,
        other => panic!("not a card: {other:?}"),
    }
}
