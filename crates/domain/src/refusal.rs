//! Why a command was not carried out. A refused command changes nothing; only a wrong PIN is counted.

use crate::{Amount, ClientUuid, Currency, DateFault, Timestamp};

/// The rule that stood against a command, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The client was deleted, or its secret or grants changed since its token was made.
    #[error("the client's access has ended")]
    ClientGone,
    /// The client would hand out, or act on, scopes that it does not hold itself.
    #[error("a client may only manage clients whose every scope it holds itself")]
    ScopesNotHeld,
    /// The same `Idempotency-Key` came with another request.
    #[error("this Idempotency-Key was used for another request")]
    IdempotencyKeyReused,
    /// A freshly made token exists already; to be made anew.
    #[error("a generated token is taken")]
    TokenCollision,
    /// No such card, or none that this token opens.
    #[error("there is no such card")]
    CardNotFound,
    /// No such token on this card.
    #[error("there is no such token")]
    TokenNotFound,
    /// No such client in this account.
    #[error("there is no such client")]
    ClientNotFound,
    /// No such grant in this account.
    #[error("there is no such client grant")]
    GrantNotFound,
    /// Cards with these ids exist, or existed; `places` count from 0 in the order of the request.
    #[error("the card_id is taken")]
    CardIdTaken {
        /// Which cards of the request.
        places: Vec<usize>,
    },
    /// The card was activated before.
    #[error("the card was activated before")]
    CardNotInactive {
        /// When.
        at: Timestamp,
        /// By which client; none where an operator did.
        by: Option<ClientUuid>,
        /// With how much.
        amount: Amount,
        /// In which currency.
        currency: Currency,
    },
    /// The card has not been activated.
    #[error("the card is inactive")]
    CardInactive,
    /// The card's first day has not come.
    #[error("the card is not yet active")]
    CardNotYetActive {
        /// Its first instant.
        active_from: Timestamp,
    },
    /// The card's last day has passed.
    #[error("the card has expired")]
    CardExpired,
    /// The merchant stopped the card.
    #[error("the card is blocked")]
    CardBlocked,
    /// Pending transactions hold money of the card.
    #[error("pending transactions hold {reserved} of the card")]
    CardHasLocks {
        /// How much is held.
        reserved: Amount,
    },
    /// The card has as many open locks as it may.
    #[error("a card has at most {max} open locks")]
    TooManyLocks {
        /// The most.
        max: u32,
    },
    /// There is money on the card.
    #[error("{available} is available on the card")]
    CardHasMoney {
        /// How much.
        available: Amount,
    },
    /// The `ref_id` stands for another request, or its answer shows a value only once.
    #[error("this ref_id was used before")]
    RefIdReused,
    /// The token was used up.
    #[error("the token was used up")]
    TokenUsed,
    /// The card holds another currency.
    #[error("the card's currency is {currency}")]
    CurrencyMismatch {
        /// The card's.
        currency: Currency,
    },
    /// The card holds less than was asked for.
    #[error("{available} is available on the card")]
    InsufficientFunds {
        /// How much can be drawn.
        available: Amount,
    },
    /// A sum of the card would pass the largest amount.
    #[error("the card's total would pass the largest amount")]
    AmountLimit,
    /// More than the account lets a card be created or activated with.
    #[error("a card may be activated with {max} at most")]
    ActivationLimit {
        /// The most.
        max: Amount,
    },
    /// The card or the client would move more on this day than the account allows.
    #[error("the day's limit is reached")]
    DayLimit,
    /// The card would hold more than the account allows.
    #[error("a card may hold {max} at most")]
    BalanceLimit {
        /// The most.
        max: Amount,
    },
    /// No such transaction in this account.
    #[error("there is no such transaction")]
    TransactionNotFound,
    /// The caller may only touch what it made itself.
    #[error("the transaction was made by another client")]
    NotOwnTransaction,
    /// The transaction is no lock.
    #[error("the transaction is not a pending one")]
    NotPending,
    /// The lock was captured whole, voided, or has run out.
    #[error("the lock has ended")]
    LockClosed,
    /// More than the lock still holds.
    #[error("{remaining} is locked")]
    AmountExceedsLock {
        /// What it holds.
        remaining: Amount,
    },
    /// The transaction is no drawdown that can be given back.
    #[error("the transaction is not a drawdown that can be given back")]
    NotADrawdown,
    /// More would be given back than was drawn.
    #[error("{left} of the drawdown can be given back")]
    RefundExceedsDrawdown {
        /// What has not been given back yet.
        left: Amount,
    },
    /// The minutes within which a drawdown can be reversed are over.
    #[error("the drawdown could be reversed until {until_ms} ms since 1970", until_ms = until.unix_ms())]
    ReversalTooLate {
        /// The first instant at which it was too late.
        until: Timestamp,
    },
    /// Another card has taken this one's place.
    #[error("the card was replaced by another")]
    CardReplaced,
    /// The card demands its PIN.
    #[error("the card's PIN is required")]
    PinRequired,
    /// Not the card's PIN, or the card has none.
    #[error("the PIN is wrong")]
    PinInvalid,
    /// The client guessed wrong too often; the PIN was not compared.
    #[error("too many wrong PINs")]
    PinLocked {
        /// Seconds until it may try again; none where only another PIN helps.
        retry_after_seconds: Option<u32>,
    },
    /// The card's last day can only be moved to a later one.
    #[error("expires_at can only be moved to a later time")]
    ExpiryNotLater,
    /// Production has no clock of its own.
    #[error("only a test account has a clock that can be moved")]
    NotATestAccount,
    /// A test account's clock goes forward only.
    #[error("the clock is {ahead_ms} ms ahead and goes forward only")]
    ClockOnlyForward {
        /// How far it is ahead already.
        ahead_ms: u64,
    },
    /// A test account's clock would stand further ahead than it may.
    #[error("the clock may be {max_ms} ms ahead at most")]
    ClockTooFarAhead {
        /// The most.
        max_ms: u64,
    },
    /// Some of many cards stand against the command; places count from 0 in the order of the request.
    #[error("{} of the cards cannot be activated", .0.len())]
    Cards(Vec<(usize, Refusal)>),
    /// The card's dates would be out of order.
    #[error("expires_at {0}")]
    Dates(DateFault),
    /// Nobody would be left to manage the account's clients.
    #[error("the last client with admin:accounts cannot lose it")]
    LastAdmin,
    /// The client has as many grants as it may.
    #[error("a client has at most {max} grants")]
    TooManyGrants {
        /// How many.
        max: usize,
    },
    /// The account has as many clients as it may.
    #[error("an account has at most {max} clients")]
    TooManyClients {
        /// How many.
        max: usize,
    },
}
