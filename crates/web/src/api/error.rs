//! Refusals and failures as every client sees them: one shape, one code each.

use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::Scope;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::refusal;
use super::wire::{Fault, Faults, Step};
use crate::server::PinFailure;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:ident $text:literal;)+) => {
        /// What kind of refusal or failure it is. Programs go by these; they never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Code {
            $($(#[$doc])* $name),+
        }

        impl Code {
            /// Every code there is.
            pub(crate) const ALL: &'static [Code] = &[$(Code::$name),+];

            /// The code as answers write it.
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text),+
                }
            }

            /// The status that goes with it.
            pub(crate) fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status),+
                }
            }
        }
    };
}

codes! {
    /// The request is malformed, or a rule without a code of its own stood against it.
    InvalidRequest = BAD_REQUEST "INVALID_REQUEST";
    /// An amount, or a sum of the card, is beyond what is kept.
    AmountLimit = BAD_REQUEST "AMOUNT_LIMIT";
    /// The card holds less than was asked for.
    InsufficientFunds = BAD_REQUEST "INSUFFICIENT_FUNDS";
    /// The card holds another currency.
    CurrencyMismatch = BAD_REQUEST "CURRENCY_MISMATCH";
    /// The card has not been activated.
    CardInactive = BAD_REQUEST "CARD_INACTIVE";
    /// The card was activated before.
    CardNotInactive = BAD_REQUEST "CARD_NOT_INACTIVE";
    /// The card's first day has not come.
    CardNotYetActive = BAD_REQUEST "CARD_NOT_YET_ACTIVE";
    /// The card's last day has passed.
    CardExpired = BAD_REQUEST "CARD_EXPIRED";
    /// The merchant stopped the card.
    CardBlocked = BAD_REQUEST "CARD_BLOCKED";
    /// Pending transactions hold money of the card.
    CardHasLocks = BAD_REQUEST "CARD_HAS_LOCKS";
    /// There is money on the card.
    CardHasMoney = BAD_REQUEST "CARD_HAS_MONEY";
    /// The token was used up.
    TokenUsed = BAD_REQUEST "TOKEN_USED";
    /// The card demands its PIN.
    PinRequired = BAD_REQUEST "PIN_REQUIRED";
    /// Not the card's PIN, or the card has none.
    PinInvalid = BAD_REQUEST "PIN_INVALID";
    /// The card would hold more than the account allows.
    BalanceLimit = BAD_REQUEST "BALANCE_LIMIT";
    /// The transaction is no lock.
    NotPending = BAD_REQUEST "NOT_PENDING";
    /// The lock was captured whole, voided, or has run out.
    LockClosed = BAD_REQUEST "LOCK_CLOSED";
    /// More than the lock still holds.
    AmountExceedsLock = BAD_REQUEST "AMOUNT_EXCEEDS_LOCK";
    /// More would be given back than was drawn.
    RefundExceedsDrawdown = BAD_REQUEST "REFUND_EXCEEDS_DRAWDOWN";
    /// No valid bearer, or no valid credentials.
    Unauthorized = UNAUTHORIZED "UNAUTHORIZED";
    /// Another account, or a scope that is not held.
    Forbidden = FORBIDDEN "FORBIDDEN";
    /// No such path or object.
    NotFound = NOT_FOUND "NOT_FOUND";
    /// No such card, or none that this token opens.
    CardNotFound = NOT_FOUND "CARD_NOT_FOUND";
    /// No such transaction.
    TransactionNotFound = NOT_FOUND "TRANSACTION_NOT_FOUND";
    /// The path exists, but not with this method.
    MethodNotAllowed = METHOD_NOT_ALLOWED "METHOD_NOT_ALLOWED";
    /// A card of this id exists, or existed.
    CardIdTaken = CONFLICT "CARD_ID_TAKEN";
    /// The reference stands for another request.
    RefIdReused = CONFLICT "REF_ID_REUSED";
    /// The key stands for another request.
    IdempotencyKeyReused = CONFLICT "IDEMPOTENCY_KEY_REUSED";
    /// The body did not arrive in time.
    RequestTimeout = REQUEST_TIMEOUT "REQUEST_TIMEOUT";
    /// The body is larger than is read.
    BodyTooLarge = PAYLOAD_TOO_LARGE "BODY_TOO_LARGE";
    /// The body is not said to be JSON.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "UNSUPPORTED_MEDIA_TYPE";
    /// The client guessed the card's PIN wrong too often.
    PinLocked = TOO_MANY_REQUESTS "PIN_LOCKED";
    /// Too many failures from this client or network.
    TooManyTries = TOO_MANY_REQUESTS "TOO_MANY_TRIES";
    /// Whether the change happened is unknown.
    OutcomeUnknown = INTERNAL_SERVER_ERROR "OUTCOME_UNKNOWN";
    /// A fault of the server.
    Internal = INTERNAL_SERVER_ERROR "INTERNAL";
    /// Too much is waiting, or a read took too long; nothing was done.
    Overloaded = SERVICE_UNAVAILABLE "OVERLOADED";
    /// The server cannot work at present; nothing was done.
    Unavailable = SERVICE_UNAVAILABLE "UNAVAILABLE";
}

/// A refusal or failure on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    code: Code,
    message: Cow<'static, str>,
    faults: Vec<Fault>,
    retry_after_seconds: Option<u32>,
    challenge: &'static str,
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl ApiError {
    /// A refusal that is about the request as a whole.
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        let faults = vec![Fault::new(code, message.clone(), Vec::new())];
        Self { code, message, faults, retry_after_seconds: None, challenge: "Bearer" }
    }

    /// Every fault of a request at once.
    pub(crate) fn of_faults(faults: Faults) -> Self {
        Self::of_sorted(faults.into_sorted())
    }

    fn of_sorted(faults: Vec<Fault>) -> Self {
        let common = faults.first().map(|first| first.code);
        let common = common.filter(|code| faults.iter().all(|fault| fault.code == *code));
        let message = match faults.as_slice() {
            [only] => format!("{} {}", place(&only.path), only.message).into(),
            several => format!("{} faults in the request", several.len()).into(),
        };
        let code = common.unwrap_or(Code::InvalidRequest);
        Self { faults, message, ..Self::new(code, "") }
    }

    /// A refusal of the body as a whole.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidRequest, message)
    }

    /// What every bad access token gets.
    pub(crate) fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "a valid access token is required")
    }

    /// What every path without an object gets.
    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "there is nothing here")
    }

    /// A failure; the log knows more.
    pub(crate) fn internal() -> Self {
        Self::new(Code::Internal, "a fault of the server")
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// The refusal, told of one field.
    pub(crate) fn at(mut self, path: impl IntoIterator<Item = impl Into<Step>>) -> Self {
        let path: Vec<Step> = path.into_iter().map(Into::into).collect();
        self.faults.iter_mut().for_each(|fault| fault.path = path.clone());
        self
    }

    /// The refusal, told once for each of several fields.
    pub(crate) fn at_each(mut self, paths: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let fault = |path| Fault::new(self.code, self.message.clone(), path);
        self.faults = paths.into_iter().map(fault).collect();
        self
    }

    /// The refusal of one card of a list, told of a request that has only one.
    pub(crate) fn within_one_card(mut self) -> Self {
        for fault in &mut self.faults {
            if let [Step::Field(list), Step::Index(_), ..] = fault.path.as_slice()
                && list == "cards"
            {
                fault.path.drain(..2);
            }
        }
        self
    }

    /// The refusals of some of a list's things together, each told at its place.
    pub(crate) fn of_list(list: &'static str, refused: impl IntoIterator<Item = (usize, Self)>) -> Self {
        let mut faults = Vec::new();
        for (place, error) in refused {
            for fault in error.faults {
                let path = [Step::from(list), Step::from(place)].into_iter().chain(fault.path).collect();
                faults.push(Fault { path, ..fault });
            }
        }
        Self::of_sorted(faults)
    }

    /// A number of the message, for a program.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some(fault) = self.faults.first_mut() {
            fault.details.insert(name.to_owned(), value.into());
        }
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds.max(1));
        self
    }

    /// How to authenticate instead.
    pub(crate) fn challenge(mut self, challenge: &'static str) -> Self {
        self.challenge = challenge;
        self
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            message: &'a str,
            code: Code,
            errors: &'a [Fault],
        }
        let error = Inner { message: &self.message, code: self.code, errors: &self.faults };
        serde_json::to_vec(&Body { error }).unwrap_or_default()
    }
}

/// The place of a fault as a person reads it.
fn place(path: &[Step]) -> String {
    let mut place = String::new();
    for step in path {
        match step {
            Step::Index(index) => place.push_str(&format!("[{index}]")),
            Step::Field(name) if place.is_empty() => place.push_str(name),
            Step::Field(name) => place.push_str(&format!(".{name}")),
        }
    }
    if place.is_empty() { "the body".to_owned() } else { place }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.code.status(), self.body()).into_response();
        // The frame sees by the code that the body is one of ours.
        response.extensions_mut().insert(self.code);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.code == Code::PinInvalid {
            response.extensions_mut().insert(PinFailure);
        }
        let headers = response.headers_mut();
        if self.code == Code::Unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(self.challenge));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<service::Error> for ApiError {
    fn from(error: service::Error) -> Self {
        use service::Error;
        let message = error.to_string();
        match error {
            Error::Unauthorized => Self::unauthorized(),
            Error::BadCredentials => Self::new(Code::Unauthorized, message).challenge("Basic"),
            Error::OtherAccount => Self::new(Code::Forbidden, message),
            Error::Forbidden { any_of } => Self::new(Code::Forbidden, needs(any_of)),
            Error::NoGrant => Self::new(Code::Forbidden, message),
            Error::UnknownAudience => Self::invalid(message).at(["audience"]),
            Error::TooManyTries { retry_after_seconds } => {
                Self::new(Code::TooManyTries, message).retry_after(retry_after_seconds)
            }
            Error::Refused(refusal) => refusal::refused(&refusal),
            Error::InFuture | Error::BeforeRecords => Self::invalid(message).at(["at"]),
            Error::AccountExists => Self::invalid(message).at(["aid"]),
            Error::TooManyCards { .. } => Self::invalid(message).at(["limit"]),
            Error::Overloaded => Self::new(Code::Overloaded, message).retry_after(1),
            // Again at once it would take as long again.
            Error::TookTooLong => Self::new(Code::Overloaded, message).retry_after(5),
            Error::Unavailable(why) => {
                tracing::error!(why, "the store cannot work at present");
                Self::new(Code::Unavailable, "the server cannot work at present; nothing was done")
                    .retry_after(5)
            }
            Error::OutcomeUnknown => Self::new(Code::OutcomeUnknown, message),
            Error::Internal => Self::internal(),
        }
    }
}

fn needs(any_of: &[Scope]) -> String {
    let scopes: Vec<&str> = any_of.iter().map(|scope| scope.as_str()).collect();
    format!("this needs one of the scopes {}", scopes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_took_too_long_says_so_and_when_to_come_again() {
        let error = ApiError::from(service::Error::TookTooLong);
        assert_eq!(error.message, "the read took too long and was ended");
        let answer = error.into_response();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()[RETRY_AFTER], "5");
    }

    #[test]
    fn too_many_cards_at_once_are_the_fault_of_a_missing_limit() {
        let error = ApiError::from(service::Error::TooManyCards { max: 10_000 });
        assert_eq!(error.code().status(), StatusCode::BAD_REQUEST);
        assert!(matches!(error.faults.as_slice(), [Fault { path, .. }] if *path == [Step::from("limit")]));
    }
}
