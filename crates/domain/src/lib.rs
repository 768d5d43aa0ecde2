//! What a card is and which moves are legal.
//!
//! Everything here is pure: no I/O, no async, no clock, no randomness. Codes, ids, keyed hashes and the
//! time come in as data; [`decide`] turns what a store has loaded, plus a list of [`Order`]s, into an answer
//! for each order and a set of changes to be written in one commit.

#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::float_arithmetic)]

mod account;
mod audit;
mod card;
mod client;
mod command;
mod dates;
mod day;
mod decide;
mod format;
mod ids;
mod lock;
mod macros;
mod money;
mod needs;
mod outbox;
mod pin;
mod refusal;
mod replay;
mod scope;
mod settings;
mod text;
mod time;
mod token;
mod transaction;
mod world;

pub use account::{Account, Aid, AidFault, Mode, TEST_CLOCK_MAX_MS};
pub use audit::{Action, AuditEntry, Subject};
pub use card::{Activation, Card, CardDetails, CardType, Pin, Status};
pub use client::{Client, Grant, PreviousSecret};
pub use command::{
    Activate, ActivateCards, Actor, Adjust, Adjustment, AdjustmentFault, BlockCard, Capture, CardSelector,
    ChangeCard, ChangeClient, Command, CreateBatch, CreateCard, CreateToken, DeleteCard, Drawdown,
    ExpiryChange, Fund, Info, MoveTestClock, NewCard, NewGrant, NewPin, NewToken, Order, Pending, Reach,
    Replace, Reverse, RotatePin, RotateSecret, Sweep, Void,
};
pub use dates::{DateFault, Dates};
pub use day::{Day, DayCount, DayLimit, DaySubject};
pub use decide::{Decision, Outcome, decide};
pub use format::{Classes, Format, FormatFault, FormatRequest, MAX_CODE_LENGTH};
pub use ids::{BatchId, CardUuid, ClientUuid, GrantId, RequestId, TokenUuid, TransactionId};
pub use lock::{LOCKS_MAX, Lock, LockLife, LockLifeFault};
pub use money::{Amount, AmountFault, Currency, CurrencyFault, MAX_AMOUNT};
pub use needs::{Needs, TokenNeed};
pub use outbox::OutboxRecord;
pub use pin::{PinCheck, PinTries, PresentedPin};
pub use refusal::Refusal;
pub use replay::{IdempotencyClaim, IdempotencyMac, Operation, REPLAY_HOURS, Replay, ReplayKey, RequestMac};
pub use scope::{Scope, ScopeSet, UnknownScope};
pub use settings::{PinPolicy, RefundToExpired, Settings, SettingsChange, TokenDefaults};
pub use text::{
    Audience, CardId, ClientId, CustomerId, Description, Metadata, Name, Note, OriginatedBy, Prefix,
    ReasonCode, RefId, TextFault,
};
pub use time::{Clock, Timestamp, TimestampFault};
pub use token::{PinMac, SecretMac, Token, TokenMac, mask};
pub use transaction::{Asked, Reason, Transaction, TransactionType};
pub use world::{Batch, CardEvent, Changes, StatusChange, World};
