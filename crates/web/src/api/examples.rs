//! Answers for the OpenAPI document, made from real values by the code that makes real answers.

use domain::{
    Account, Action, Activation, Aid, Amount, Asked, AuditEntry, BatchId, Card, CardDetails, CardId, Client,
    ClientId, ClientUuid, Currency, Dates, DayLimit, Format, FormatRequest, Grant, GrantId, LockLife,
    Metadata, Note, Pin, PinMac, Reason, ReasonCode, RefId, RequestId, Scope, SecretMac, Settings, Status,
    Subject, TextFault, Timestamp, Token, TokenDefaults, TokenMac, TokenUuid, Transaction, TransactionId,
    TransactionType,
};
use serde_json::Value;
use service::{
    AuditPage, AuditPlace, AuditRecord, AuditSource, CardTransaction, FirstClient, Liability, LiabilityRow,
    MadeBatch, MadeCard, MadeClient, MadePin, MadeToken, Month, PublicKey, ReplacedCard, Secret,
};
use uuid::Uuid;

use super::account::audit::PageOut as AuditPageOut;
use super::account::settings::SettingsOut;
use super::account::test_clock::ClockOut;
use super::auth::clients::{ClientOut, MadeClientOut};
use super::auth::grants::GrantOut;
use super::auth::jwks::KeySetOut;
use super::auth::keys::KeyOut;
use super::auth::token::TokenOut as AccessTokenOut;
use super::cards::activate_many::ActivationsOut;
use super::cards::batch::{BatchCardOut, BatchOut};
use super::cards::create::CreatedOut;
use super::cards::list::PageOut;
use super::cards::replace::ReplacedOut;
use super::cards::rotate_pin::RotatedOut;
use super::cards::{CardOut, DeletedTokenOut, DetailsOut, PinOut, TokenOut};
use super::customers::card::CustomerCardDetailsOut;
use super::customers::cards::CustomerCardOut;
use super::operator::accounts::{AccountOut, MadeAccountOut};
use super::reports::liability::LiabilityOut;
use super::transactions::TransactionOut;
use super::transactions::list::PageOut as TransactionPageOut;
use super::wire::{Answer, Out, Shown};

const PIN: &str = "4711";
const TOKEN: &str = "DINCARD:0f8fad5b-d9cb-469f-a165-70867728950e";
const SECRET: &str = "gavekort_Zm9yIHNob3cgb25seSwgbm90IGEgc2VjcmV0IQ";

/// 2026-03-01T09:00:00.000Z.
const MADE_MS: i64 = 1_772_355_600_000;
const DAY_MS: i64 = 86_400_000;

pub(crate) fn batch() -> Value {
    let (card, token) = (inactive(), token_row());
    let made = MadeBatch {
        cards: vec![card],
        tokens: vec![token],
        pins: vec![secret(PIN)],
        token_values: vec![secret(TOKEN)],
        pin_format: pin_format(),
    };
    written(&BatchOut { cards: BatchCardOut::new(&made, 0).into_iter().collect() })
}

pub(crate) fn created() -> Value {
    let pin = MadePin { format: pin_format(), value: secret(PIN) };
    let token = MadeToken { token: token_row(), value: secret(TOKEN) };
    let card = Card { batch: None, ..active() };
    let details = CardDetails { card, tokens: vec![token_row()] };
    written(&CreatedOut::new(&MadeCard { details, pin: Some(pin), token: Some(token) }))
}

pub(crate) fn details() -> Value {
    written(&DetailsOut::new(&card_details(), at(2)))
}

pub(crate) fn activations() -> Value {
    written(&ActivationsOut::new(&[card_details()], at(2)))
}

pub(crate) fn card() -> Value {
    written(&CardOut::new(&active(), at(2)))
}

pub(crate) fn blocked() -> Value {
    written(&CardOut::new(&Card { blocked_at: Some(at(2)), ..active() }, at(2)))
}

pub(crate) fn replaced() -> Value {
    let transaction = Transaction {
        ref_id: parsed("case-4712", RefId::try_from),
        reason: Reason::Replace,
        reason_code: Some(parsed("lost", ReasonCode::try_from)),
        amount: amount(50_000),
        balance: Amount::ZERO,
        available: Amount::ZERO,
        token: None,
        ..drawdown()
    };
    let new = Card { uuid: domain::CardUuid(id(9)), batch: None, created_at: at(2), ..active() };
    let replaced = ReplacedCard {
        transaction,
        old: Card { drawdown: amount(50_000), blocked_at: Some(at(2)), ..active() },
        new: Card { card_id: parsed("spring-0002", CardId::try_from), ..new },
        pin: Some(MadePin { format: pin_format(), value: secret(PIN) }),
        token: Some(MadeToken { token: token_row(), value: secret(TOKEN) }),
    };
    written(&ReplacedOut::new(&replaced, at(2)))
}

pub(crate) fn deleted() -> Value {
    let card = Card { drawdown: amount(50_000), deleted_at: Some(at(2)), ..active() };
    written(&CardOut::new(&card, at(2)))
}

pub(crate) fn page() -> Value {
    let card = active();
    let cards = vec![CardOut::new(&card, at(2))];
    written(&PageOut { cards, starting_after: Some(card.uuid) })
}

pub(crate) fn rotated_pin() -> Value {
    written(&RotatedOut { pin: PinOut::new(&pin_format(), &secret(PIN)) })
}

pub(crate) fn token() -> Value {
    let token = Token { ref_id: parsed("screen-1", RefId::try_from), made_with_card: false, ..token_row() };
    let token = Token { expires_after_transaction: true, expires_in: Some(300), ..token };
    written(&TokenOut::new(&token, &secret(TOKEN)))
}

pub(crate) fn deleted_token() -> Value {
    written(&DeletedTokenOut::new(&token_row()))
}

pub(crate) fn customer_cards() -> Value {
    written(&vec![CustomerCardOut::new(&active(), at(2))])
}

pub(crate) fn customer_card() -> Value {
    written(&CustomerCardDetailsOut::new(&card_details(), at(2)))
}

pub(crate) fn transaction() -> Value {
    written(&TransactionOut::new(&drawdown(), &active().card_id))
}

pub(crate) fn capture() -> Value {
    let (amount, reason) = (amount(10_000), Reason::Capture);
    following("shipped-2026-0815", TransactionType::Drawdown, Transaction { amount, reason, ..drawdown() })
}

pub(crate) fn void() -> Value {
    let available = amount(50_000);
    let row = Transaction { balance: available, available, ..drawdown() };
    following("cancelled-2026-0815", TransactionType::Voided, row)
}

pub(crate) fn reversal() -> Value {
    let (available, reason) = (amount(50_000), Reason::Reversal);
    let row = Transaction { balance: available, available, reason, ..drawdown() };
    following("undo-2026-0815", TransactionType::Fund, row)
}

pub(crate) fn adjustment() -> Value {
    let row = Transaction {
        ref_id: parsed("case-4711", RefId::try_from),
        reason: Reason::Adjust,
        reason_code: Some(parsed("double_refund", ReasonCode::try_from)),
        note: Some(parsed("The till gave the money back twice", Note::try_from)),
        amount: amount(2_500),
        balance: amount(47_500),
        available: amount(47_500),
        ..drawdown()
    };
    written(&TransactionOut::new(&row, &active().card_id))
}

pub(crate) fn history() -> Value {
    written(&vec![TransactionOut::new(&drawdown(), &active().card_id)])
}

pub(crate) fn transactions() -> Value {
    let (row, card_id) = (drawdown(), active().card_id);
    let transactions = vec![TransactionOut::new(&row, &card_id)];
    written(&TransactionPageOut { transactions, starting_after: Some(row.id) })
}

pub(crate) fn settings() -> Value {
    let numbers = FormatRequest { length: Some(24), numbers: Some(true), ..FormatRequest::default() };
    let token = TokenDefaults { format: numbers, ..TokenDefaults::default() };
    let settings = Settings {
        reversal_minutes: 30,
        lock_life: LockLife::try_from(604_800).ok(),
        balance_max: Some(amount(1_000_000)),
        client_day: DayLimit { amount: Some(amount(50_000_000)), count: Some(10_000) },
        expiry_months: Some(36),
        token,
        ..Settings::default()
    };
    let format = Format::token(&settings.token.format).expect("the examples are well-formed");
    written(&SettingsOut::new(&settings, &format))
}

pub(crate) fn test_clock() -> Value {
    written(&ClockOut { now: at(1), ahead_seconds: 86_400 })
}

pub(crate) fn audit() -> Value {
    let (transaction, card_id) = (drawdown(), active().card_id);
    let entry = AuditEntry {
        at: at(1),
        client: Some(ClientUuid(id(5))),
        request: RequestId(id(10)),
        action: Action::BlockCard,
        subject: Subject::Card(active().uuid),
        note: Some(parsed("Reported stolen", Note::try_from)),
    };
    let records = vec![
        AuditRecord::Transaction(Box::new(CardTransaction { transaction, card_id: card_id.clone() })),
        AuditRecord::Entry { entry, card_id: Some(card_id) },
    ];
    let next = Some(AuditPlace { at: at(1), source: AuditSource::Entry(17) });
    written(&AuditPageOut::from(&AuditPage { records, next }))
}

pub(crate) fn liability() -> Value {
    let row = |status, cards, balance, reserved| {
        let activated = Some(Month { year: 2026, month: 3 });
        LiabilityRow { currency: Currency::NOK, status, activated, cards, balance, reserved }
    };
    let rows = vec![row(Status::Unused, 2, 100_000, 0), row(Status::PartiallyUsed, 1, 37_500, 2_500)];
    written(&LiabilityOut::from(&Liability { at: at(2), rows }))
}

pub(crate) fn access_token() -> Value {
    let value =
        secret("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IuKApiJ9.eyJpc3MiOiLigKYifQ.c2lnbmF0dXJl");
    written(&AccessTokenOut { access_token: Shown(&value), token_type: "Bearer", expires_in: 14_400 })
}

pub(crate) fn keys() -> Value {
    written(&vec![KeyOut::from(&key())])
}

pub(crate) fn key_set() -> Value {
    written(&KeySetOut { keys: vec![KeyOut::from(&key())] })
}

pub(crate) fn client() -> Value {
    written(&ClientOut::from(&client_row()))
}

pub(crate) fn clients() -> Value {
    written(&vec![ClientOut::from(&client_row())])
}

pub(crate) fn made_client() -> Value {
    written(&MadeClientOut::from(&MadeClient { client: client_row(), secret: secret(SECRET) }))
}

pub(crate) fn grant() -> Value {
    written(&GrantOut::new(ClientUuid(id(5)), &grant_row()))
}

pub(crate) fn grants() -> Value {
    written(&vec![GrantOut::new(ClientUuid(id(5)), &grant_row())])
}

pub(crate) fn account() -> Value {
    written(&AccountOut::from(&account_row()))
}

pub(crate) fn made_account() -> Value {
    let client = client_row();
    let first = FirstClient { client_id: client.client_id, secret: secret(SECRET), name: client.name };
    written(&MadeAccountOut::new(&account_row(), &first))
}

fn written(answer: &impl Answer) -> Value {
    serde_json::to_value(Out(answer)).unwrap_or_default()
}

fn secret(value: &str) -> Secret {
    Secret::new(value.to_owned())
}

/// A text that is known to be well-formed.
fn parsed<'a, T>(text: &'a str, parse: impl FnOnce(&'a str) -> Result<T, TextFault>) -> T {
    parse(text).expect("the examples are well-formed")
}

fn amount(minor_units: i64) -> Amount {
    Amount::try_from(minor_units).unwrap_or_default()
}

/// So many days after everything in the examples was made.
fn at(days: i64) -> Timestamp {
    Timestamp::try_from(MADE_MS + days * DAY_MS).unwrap_or(Timestamp::EPOCH)
}

/// An id that looks like those the server makes.
fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_a1b2_c3d4_7e5f_8a9b_0c1d_2e3f_4a00 + number)
}

fn pin_format() -> Format {
    let request = FormatRequest { length: Some(4), ..FormatRequest::default() };
    Format::pin(&request).expect("the examples are well-formed")
}

fn token_format() -> Format {
    Format::token(&FormatRequest::default()).expect("the examples are well-formed")
}

fn drawdown() -> Transaction {
    Transaction {
        id: TransactionId(id(7)),
        card: active().uuid,
        ref_id: parsed("receipt-2026-0815", RefId::try_from),
        kind: TransactionType::Drawdown,
        reason: Reason::Sale,
        amount: amount(12_500),
        currency: Currency::NOK,
        parent: None,
        token: Some(TokenUuid(id(3))),
        originated_by: None,
        metadata: Metadata::default(),
        created_at: at(2),
        created_by: Some(ClientUuid(id(5))),
        request: RequestId(id(8)),
        seq: 2,
        asked: Asked { operation: Action::Drawdown, amount: Some(amount(12_500)), expires_in: None },
        reason_code: None,
        note: None,
        balance: amount(37_500),
        available: amount(37_500),
    }
}

/// A row that follows from another one.
fn following(ref_id: &str, kind: TransactionType, row: Transaction) -> Value {
    let (parent, ref_id) = (Some(TransactionId(id(7))), parsed(ref_id, RefId::try_from));
    let row = Transaction { id: TransactionId(id(11)), ref_id, kind, parent, token: None, seq: 3, ..row };
    written(&TransactionOut::new(&row, &active().card_id))
}

fn inactive() -> Card {
    Card {
        uuid: domain::CardUuid(id(1)),
        card_id: parsed("spring-0001", CardId::try_from),
        batch: Some(BatchId(id(2))),
        kind: domain::CardType::GiftCard,
        name: Some(parsed("Spring 2026", domain::Name::try_from)),
        customer_id: None,
        originated_by: None,
        metadata: Metadata::from_json_object(r#"{"shelf":4}"#),
        amount: Amount::ZERO,
        currency: Currency::NOK,
        funds: Amount::ZERO,
        drawdown: Amount::ZERO,
        reserved: Amount::ZERO,
        dates: Dates { active_from: None, expires_at: Some(at(3 * 365)) },
        pin: Some(Pin { mac: PinMac { key_version: 1, mac: [0; 32] }, format: pin_format() }),
        activation: None,
        blocked_at: None,
        replaced_by: None,
        deleted_at: None,
        seq: 0,
        created_at: at(0),
        created_by: Some(ClientUuid(id(5))),
        changed_at: at(0),
    }
}

fn active() -> Card {
    let dates = Dates { active_from: Some(at(1)), ..inactive().dates };
    let activation = Some(Activation { at: at(1), by: Some(ClientUuid(id(5))) });
    let customer_id = Some(parsed("customer-17", domain::CustomerId::try_from));
    let (amount, funds) = (amount(50_000), amount(50_000));
    Card { amount, funds, dates, activation, customer_id, seq: 1, changed_at: at(1), ..inactive() }
}

fn card_details() -> CardDetails {
    CardDetails { card: active(), tokens: vec![token_row()] }
}

fn token_row() -> Token {
    Token {
        uuid: TokenUuid(id(3)),
        card: inactive().uuid,
        mac: TokenMac { key_version: 1, mac: [0; 32] },
        ref_id: RefId::from(&inactive().card_id),
        made_with_card: true,
        format: token_format(),
        masked_code: domain::mask(&token_format(), TOKEN),
        expires_after_transaction: false,
        expires_in: None,
        expires_at: None,
        used_at: None,
        deleted_at: None,
        metadata: Metadata::default(),
        created_at: at(0),
        created_by: Some(ClientUuid(id(5))),
    }
}

fn client_row() -> Client {
    Client {
        uuid: ClientUuid(id(5)),
        client_id: parsed("7d8f0c2e41b94f6c9a35e1d07b2c8f64", ClientId::try_from),
        name: parsed("Till 3", domain::Name::try_from),
        description: Some(parsed("The till by the door", domain::Description::try_from)),
        secret: SecretMac { key_version: 1, mac: [0; 32] },
        generation: 1,
        previous: None,
        created_at: at(0),
        created_by: Some(ClientUuid(id(4))),
        updated_at: at(0),
        deleted_at: None,
        grants: vec![grant_row()],
    }
}

fn grant_row() -> Grant {
    Grant {
        id: GrantId(id(6)),
        audience: parsed("https://api.gavekort.example/v1/accounts/T12345678", domain::Audience::try_from),
        scopes: [Scope::WriteWalletsActivate, Scope::WriteWalletsTransactions].into_iter().collect(),
    }
}

fn account_row() -> Account {
    Account {
        aid: Aid::try_from("T12345678").expect("the examples are well-formed"),
        name: "The flower shop".to_owned(),
        settings: Settings::default(),
        test_clock_ms: 0,
        created_at: at(0),
    }
}

fn key() -> PublicKey {
    PublicKey {
        kid: "5d1f7c0e-8a52-4d0b-9c3e-2d1f6a7b8c90".to_owned(),
        n: "sXch…".to_owned(),
        e: "AQAB".to_owned(),
    }
}
