//! What a test says: a bank with a clock, and commands in a few words.

use domain::{
    Account, Activate, Actor, Adjust, Adjustment, Aid, Amount, BlockCard, Capture, Card, CardId,
    CardSelector, CardType, CardUuid, ChangeCard, Client, ClientId, ClientUuid, Command, CreateBatch,
    CreateCard, CreateToken, Currency, Dates, Decision, DeleteCard, Drawdown, ExpiryChange, Format,
    FormatRequest, Fund, Info, LockLife, Metadata, Name, NewCard, NewPin, NewToken, Note, Order, Outcome,
    Pending, PresentedPin, Reach, ReasonCode, RefId, Replace, RequestId, Reverse, RotatePin, ScopeSet,
    SecretMac, Settings, Sweep, Timestamp, TokenMac, Transaction, TransactionId, Void,
};
use uuid::Uuid;

use super::store::{Store, pin_mac};
use super::wire::code;

/// 2026-11-22T14:00:00.000Z
pub const START_MS: i64 = 1_795_356_000_000;

pub fn at(unix_ms: i64) -> Timestamp {
    Timestamp::try_from(unix_ms).expect("an instant")
}

pub fn amount(minor_units: i64) -> Amount {
    Amount::try_from(minor_units).expect("an amount")
}

pub fn nok() -> Currency {
    Currency::NOK
}

pub fn sek() -> Currency {
    Currency::try_from("SEK").expect("a currency")
}

pub fn card_id(text: &str) -> CardId {
    CardId::try_from(text).expect("a card_id")
}

pub fn ref_id(text: &str) -> RefId {
    RefId::try_from(text).expect("a ref_id")
}

pub fn note(text: &str) -> Note {
    Note::try_from(text).expect("a note")
}

pub fn life(seconds: i64) -> LockLife {
    LockLife::try_from(seconds).expect("a lock's life")
}

pub fn pin(text: &str) -> PresentedPin {
    PresentedPin::new(text.to_owned())
}

pub fn id(number: u128) -> TransactionId {
    TransactionId(Uuid::from_u128(number))
}

pub fn token_mac(text: &str) -> TokenMac {
    let mut mac = [7; 32];
    for (place, byte) in mac.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    TokenMac { key_version: 1, mac }
}

pub fn by_id(card: &str) -> CardSelector {
    CardSelector::CardId(card_id(card))
}

pub fn by_token(text: &str) -> CardSelector {
    CardSelector::Token(token_mac(text))
}

pub const TILL: u128 = 1;
pub const SHOP: u128 = 2;

pub struct Bank {
    pub store: Store,
    pub now_ms: i64,
    pub client: u128,
    made: u128,
}

impl Default for Bank {
    fn default() -> Self {
        Self::with(Settings::default())
    }
}

impl Bank {
    pub fn with(settings: Settings) -> Self {
        Self::of("T12345678", settings)
    }

    pub fn of(aid: &str, settings: Settings) -> Self {
        let aid = Aid::try_from(aid).expect("an account id");
        let account =
            Account { aid, name: "Shop".to_owned(), settings, test_clock_ms: 0, created_at: at(START_MS) };
        let mut store = Store::new(account);
        for uuid in [TILL, SHOP] {
            let uuid = ClientUuid(Uuid::from_u128(uuid));
            store.clients.insert(uuid, client(uuid));
        }
        Self { store, now_ms: START_MS, client: TILL, made: 1_000 }
    }

    pub fn new_id(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(self.made)
    }

    pub fn order(&mut self, command: Command) -> Order {
        let actor = Actor::Client { uuid: ClientUuid(Uuid::from_u128(self.client)), generation: 0 };
        Order { actor, request: RequestId(self.new_id()), idempotency: None, command }
    }

    pub fn ask(&mut self, command: Command) -> Decision {
        let order = self.order(command);
        let decision = self.store.carry_out(vec![order], at(self.now_ms)).pop().expect("a decision");
        for card in self.store.cards.keys() {
            self.store.check_card(*card);
        }
        decision
    }

    /// Asks what is to be refused, sees that it left no trace, and says the wire's word for it.
    pub fn refused(&mut self, command: Command) -> &'static str {
        let traces = |bank: &Self| {
            let rows: usize = bank.store.rows.values().map(Vec::len).sum();
            (rows, bank.store.outbox.len(), bank.store.audit.len(), bank.store.cards.clone())
        };
        let before = traces(self);
        let refusal = self.ask(command).expect_err("a refusal");
        assert!(before == traces(self), "a refused command leaves no trace");
        code(&refusal)
    }

    pub fn row(&mut self, command: Command) -> Transaction {
        match self.ask(command) {
            Ok(Outcome::Written(row, _)) => *row,
            other => panic!("not a row: {other:?}"),
        }
    }

    pub fn done(&mut self, command: Command) -> Outcome {
        self.ask(command).expect("an accepted command")
    }

    pub fn card(&self, id: &str) -> &Card {
        let is_it = |card: &&Card| card.card_id == card_id(id);
        self.store.cards.values().find(is_it).expect("the card")
    }

    /// balance, available, reserved
    pub fn sums(&self, id: &str) -> (i64, i64, i64) {
        let card = self.card(id);
        (card.balance().minor_units(), card.available().minor_units(), card.reserved.minor_units())
    }

    pub fn new_card(&mut self, id: &str) -> NewCard {
        let uuid = CardUuid(self.new_id());
        NewCard {
            uuid,
            card_id: card_id(id),
            kind: CardType::GiftCard,
            name: None,
            customer_id: None,
            originated_by: None,
            metadata: Metadata::default(),
            dates: Dates::default(),
            pin: None,
            token: None,
        }
    }

    pub fn new_token(&mut self, value: &str) -> NewToken {
        NewToken {
            uuid: domain::TokenUuid(self.new_id()),
            mac: token_mac(value),
            format: Format::token(&FormatRequest::default()).expect("the default"),
            masked_code: "****".to_owned(),
            expires_after_transaction: false,
            expires_in: None,
            metadata: Metadata::default(),
        }
    }

    pub fn new_pin(&mut self, card: CardUuid, value: &str) -> NewPin {
        let format = Format::pin(&FormatRequest::default()).expect("the default");
        NewPin { mac: pin_mac(card, value), format }
    }

    pub fn create(&mut self, card: NewCard, minor_units: i64) -> Command {
        let fund = TransactionId(self.new_id());
        let create =
            CreateCard { card, amount: amount(minor_units), currency: nok(), expiry_months: None, fund };
        Command::CreateCard(Box::new(create))
    }

    /// A card with money on it, and a token called as the card.
    pub fn make(&mut self, id: &str, minor_units: i64) {
        let token = Some(self.new_token(id));
        let card = NewCard { token, ..self.new_card(id) };
        let create = self.create(card, minor_units);
        self.done(create);
    }

    /// The same with the PIN 123456.
    pub fn make_with_pin(&mut self, id: &str, minor_units: i64) {
        let token = Some(self.new_token(id));
        let card = self.new_card(id);
        let pin = Some(self.new_pin(card.uuid, "123456"));
        let create = self.create(NewCard { token, pin, ..card }, minor_units);
        self.done(create);
    }

    /// Inactive cards, each with a token called as the card.
    pub fn make_batch(&mut self, ids: &[&str]) {
        let batch = domain::BatchId(self.new_id());
        let mut cards = Vec::new();
        for id in ids {
            let token = Some(self.new_token(id));
            cards.push(NewCard { token, ..self.new_card(id) });
        }
        self.done(Command::CreateBatch(CreateBatch { batch, currency: nok(), cards }));
    }

    pub fn activate(&mut self, id: &str, minor_units: i64) -> Activate {
        Activate {
            card_id: card_id(id),
            ref_id: None,
            amount: amount(minor_units),
            currency: nok(),
            name: None,
            customer_id: None,
            originated_by: None,
            metadata: None,
            active_from: None,
            expires_at: None,
            token_expires_in: None,
            token_expires_after_transaction: None,
            fund: TransactionId(self.new_id()),
        }
    }

    pub fn draw(&mut self, card: CardSelector, reference: &str, minor_units: i64) -> Drawdown {
        Drawdown {
            card,
            pin: None,
            ref_id: ref_id(reference),
            id: TransactionId(self.new_id()),
            amount: amount(minor_units),
            currency: nok(),
            allow_partial: false,
            pending: None,
            originated_by: None,
            metadata: Metadata::default(),
        }
    }

    pub fn lock(
        &mut self,
        card: CardSelector,
        reference: &str,
        minor_units: i64,
        seconds: Option<i64>,
    ) -> Drawdown {
        let pending = Some(Pending { expires_in: seconds.map(life) });
        Drawdown { pending, ..self.draw(card, reference, minor_units) }
    }

    pub fn fund(&mut self, card: CardSelector, reference: &str, minor_units: i64) -> Fund {
        Fund {
            card,
            pin: None,
            ref_id: ref_id(reference),
            id: TransactionId(self.new_id()),
            amount: amount(minor_units),
            currency: nok(),
            parent: None,
            originated_by: None,
            metadata: Metadata::default(),
        }
    }

    pub fn refund(
        &mut self,
        card: &str,
        reference: &str,
        minor_units: i64,
        parent: TransactionId,
    ) -> Command {
        let fund = self.fund(by_id(card), reference, minor_units);
        Command::Fund(Box::new(Fund { parent: Some(parent), ..fund }))
    }

    pub fn capture(&mut self, lock: TransactionId, reference: &str, minor_units: Option<i64>) -> Command {
        Command::Capture(Box::new(Capture {
            lock,
            reach: Reach::Account,
            ref_id: ref_id(reference),
            id: TransactionId(self.new_id()),
            amount: minor_units.map(amount),
            originated_by: None,
            metadata: Metadata::default(),
        }))
    }

    pub fn void(&mut self, lock: TransactionId, reference: &str) -> Command {
        Command::Void(Box::new(Void {
            lock,
            reach: Reach::Account,
            ref_id: ref_id(reference),
            id: TransactionId(self.new_id()),
            metadata: Metadata::default(),
        }))
    }

    pub fn reverse(&mut self, drawdown: TransactionId, reference: &str) -> Command {
        let id = TransactionId(self.new_id());
        Command::Reverse(Box::new(Reverse { drawdown, ref_id: ref_id(reference), id }))
    }

    pub fn adjust(&mut self, card: &str, reference: &str, minor_units: i64) -> Command {
        Command::Adjust(Box::new(Adjust {
            card_id: card_id(card),
            ref_id: ref_id(reference),
            id: TransactionId(self.new_id()),
            adjustment: Adjustment::try_from(minor_units).expect("an adjustment"),
            currency: nok(),
            reason_code: ReasonCode::try_from("counted").expect("a reason code"),
            note: Some(note("counted again")),
        }))
    }

    pub fn replace(&mut self, card: &str, reference: &str, new: &str) -> Command {
        Command::Replace(Box::new(Replace {
            card_id: card_id(card),
            ref_id: ref_id(reference),
            drawdown: TransactionId(self.new_id()),
            fund: TransactionId(self.new_id()),
            new: self.new_card(new),
            reason_code: ReasonCode::try_from("lost").expect("a reason code"),
        }))
    }

    pub fn rotate(&mut self, card: &str, value: &str) -> Command {
        let uuid = self.card(card).uuid;
        let pin = self.new_pin(uuid, value);
        Command::RotatePin(RotatePin { card_id: card_id(card), pin })
    }

    pub fn token(&mut self, card: &str, value: &str, terms: (bool, Option<u32>)) -> Command {
        let (expires_after_transaction, expires_in) = terms;
        let token = NewToken { expires_after_transaction, expires_in, ..self.new_token(value) };
        let create = CreateToken { card_id: card_id(card), ref_id: ref_id(value), token };
        Command::CreateToken(Box::new(create))
    }

    pub fn delete(&mut self, card: &str, forfeit: bool) -> Command {
        let forfeit = forfeit.then(|| TransactionId(self.new_id()));
        Command::DeleteCard(DeleteCard { card_id: card_id(card), forfeit })
    }

    pub fn sweep(&self) -> Command {
        Command::Sweep(Sweep { cards: self.store.cards.keys().copied().collect() })
    }
}

pub fn drawdown(drawdown: Drawdown) -> Command {
    Command::Drawdown(Box::new(drawdown))
}

pub fn fund(fund: Fund) -> Command {
    Command::Fund(Box::new(fund))
}

pub fn activate(activate: Activate) -> Command {
    Command::Activate(Box::new(activate))
}

pub fn block(card: &str) -> Command {
    Command::BlockCard(BlockCard { card_id: card_id(card), reason: note("reported stolen") })
}

pub fn unblock(card: &str) -> Command {
    Command::UnblockCard(BlockCard { card_id: card_id(card), reason: note("found again") })
}

pub fn info(token: &str, value: &str) -> Command {
    Command::Info(Box::new(Info { card: by_token(token), pin: pin(value) }))
}

pub fn ends(card: &str, expires_at: i64, expiry: ExpiryChange) -> Command {
    Command::ChangeCard(Box::new(ChangeCard {
        card_id: card_id(card),
        customer_id: None,
        name: None,
        metadata: None,
        originated_by: None,
        expires_at: Some(at(expires_at)),
        expiry,
    }))
}

fn client(uuid: ClientUuid) -> Client {
    let grant = domain::Grant {
        id: domain::GrantId(uuid.0),
        audience: domain::Audience::try_from("https://a.example/v1/accounts/T12345678").expect("an audience"),
        scopes: ScopeSet::all(),
    };
    Client {
        uuid,
        client_id: ClientId::try_from(uuid.to_string().as_str()).expect("a client_id"),
        name: Name::try_from("till").expect("a name"),
        description: None,
        secret: SecretMac { key_version: 1, mac: [0; 32] },
        generation: 0,
        previous: None,
        created_at: at(START_MS),
        created_by: None,
        updated_at: at(START_MS),
        deleted_at: None,
        grants: vec![grant],
    }
}

impl Bank {
    pub fn row_by_ref(&self, card: &str, reference: &str) -> TransactionId {
        let rows = self.store.rows_of(self.card(card).uuid);
        rows.iter().find(|row| row.ref_id == ref_id(reference)).expect("the row").id
    }
}
