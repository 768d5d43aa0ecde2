//! Each rule's refusal as clients see it.

use domain::{Amount, ClientUuid, Currency, Refusal};

use super::error::{ApiError, Code};
use super::wire::time_text;

/// When to look again whether a card got another PIN: after the longest wait there is for one.
const PIN_LOST_RETRY_SECONDS: u32 = 3_600;

/// The answer to a command that a rule stood against, with the rule's numbers.
// tidy: one match
pub(crate) fn refused(refusal: &Refusal) -> ApiError {
    let error = |code| ApiError::new(code, refusal.to_string());
    match refusal {
        Refusal::ClientGone => ApiError::unauthorized(),
        Refusal::ScopesNotHeld => error(Code::Forbidden),
        Refusal::IdempotencyKeyReused => error(Code::IdempotencyKeyReused).at(["Idempotency-Key"]),
        Refusal::TokenCollision => ApiError::internal(),
        Refusal::CardNotFound => error(Code::CardNotFound),
        Refusal::TokenNotFound | Refusal::ClientNotFound | Refusal::GrantNotFound => error(Code::NotFound),
        Refusal::CardIdTaken { places } => {
            let paths = places.iter().map(|place| vec!["cards".into(), (*place).into(), "card_id".into()]);
            error(Code::CardIdTaken).at_each(paths)
        }
        Refusal::CardNotInactive { at, by, amount, currency } => {
            let (at, by) = (time_text(*at), by_whom(*by));
            let message =
                format!("the card was activated at {at} by {by} with {}", money(*amount, *currency));
            ApiError::new(Code::CardNotInactive, message)
                .with("activated_at", at)
                .with("activated_by", by)
                .with("amount", amount.minor_units())
                .with("currency", currency.code())
        }
        Refusal::CardInactive => error(Code::CardInactive),
        Refusal::CardNotYetActive { active_from } => {
            let active_from = time_text(*active_from);
            let message = format!("the card is not active before {active_from}");
            ApiError::new(Code::CardNotYetActive, message).with("active_from", active_from)
        }
        Refusal::CardExpired => error(Code::CardExpired),
        Refusal::CardBlocked | Refusal::CardReplaced => error(Code::CardBlocked),
        Refusal::CardHasLocks { reserved } => {
            error(Code::CardHasLocks).with("reserved", reserved.minor_units())
        }
        Refusal::CardHasMoney { available } => {
            error(Code::CardHasMoney).with("available", available.minor_units())
        }
        Refusal::RefIdReused => error(Code::RefIdReused).at(["ref_id"]),
        Refusal::TokenUsed => error(Code::TokenUsed),
        Refusal::CurrencyMismatch { currency } => {
            error(Code::CurrencyMismatch).at(["currency"]).with("currency", currency.code())
        }
        Refusal::InsufficientFunds { available } => {
            error(Code::InsufficientFunds).at(["amount"]).with("available", available.minor_units())
        }
        Refusal::AmountLimit | Refusal::DayLimit => error(Code::AmountLimit).at(["amount"]),
        Refusal::ActivationLimit { max } => {
            error(Code::AmountLimit).at(["amount"]).with("max", max.minor_units())
        }
        Refusal::BalanceLimit { max } => {
            error(Code::BalanceLimit).at(["amount"]).with("max", max.minor_units())
        }
        Refusal::TransactionNotFound => error(Code::TransactionNotFound),
        Refusal::NotOwnTransaction => error(Code::Forbidden),
        Refusal::NotPending => error(Code::NotPending),
        Refusal::LockClosed => error(Code::LockClosed),
        Refusal::AmountExceedsLock { remaining } => {
            error(Code::AmountExceedsLock).at(["amount"]).with("remaining", remaining.minor_units())
        }
        Refusal::NotADrawdown => error(Code::InvalidRequest),
        Refusal::RefundExceedsDrawdown { left } => {
            error(Code::RefundExceedsDrawdown).at(["amount"]).with("left", left.minor_units())
        }
        Refusal::ReversalTooLate { until } => {
            let until = time_text(*until);
            let message = format!("the drawdown could be reversed until {until}");
            ApiError::invalid(message).with("until", until)
        }
        Refusal::PinRequired => error(Code::PinRequired).at(["pin"]),
        Refusal::PinInvalid => error(Code::PinInvalid).at(["pin"]),
        Refusal::PinLocked { retry_after_seconds: Some(seconds) } => {
            error(Code::PinLocked).at(["pin"]).retry_after(*seconds)
        }
        Refusal::PinLocked { retry_after_seconds: None } => {
            let message =
                "too many wrong PINs; this client cannot use the PIN until the card gets another one";
            ApiError::new(Code::PinLocked, message).at(["pin"]).retry_after(PIN_LOST_RETRY_SECONDS)
        }
        Refusal::ExpiryNotLater => error(Code::InvalidRequest).at(["expires_at"]),
        Refusal::NotATestAccount => error(Code::InvalidRequest),
        Refusal::ClockOnlyForward { ahead_ms } => {
            error(Code::InvalidRequest).at(["ahead_seconds"]).with("ahead_seconds", ahead_ms / 1_000)
        }
        Refusal::Cards(cards) => {
            ApiError::of_list("cards", cards.iter().map(|(place, refusal)| (*place, refused(refusal))))
        }
        Refusal::Dates(_) => error(Code::InvalidRequest).at(["expires_at"]),
        Refusal::ClockTooFarAhead { max_ms } => {
            error(Code::InvalidRequest).at(["ahead_seconds"]).with("max", max_ms / 1_000)
        }
        Refusal::LastAdmin => error(Code::InvalidRequest),
        Refusal::TooManyLocks { max } => error(Code::InvalidRequest).with("max", *max),
        Refusal::TooManyGrants { max } | Refusal::TooManyClients { max } => {
            error(Code::InvalidRequest).with("max", *max)
        }
    }
}

/// An amount as people write it: `500.00 NOK`.
fn money(amount: Amount, currency: Currency) -> String {
    let digits = currency.minor_digits();
    let unit = 10_i64.checked_pow(digits).unwrap_or(1);
    let (whole, rest) = (amount.minor_units() / unit, amount.minor_units() % unit);
    let width = usize::try_from(digits).unwrap_or_default();
    if width == 0 { format!("{whole} {currency}") } else { format!("{whole}.{rest:0width$} {currency}") }
}

fn by_whom(client: Option<ClientUuid>) -> String {
    client.map_or_else(|| "operator".to_owned(), |client| client.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_as_people_write_them() {
        let told = |minor_units, code| {
            let amount = Amount::try_from(minor_units).expect("an amount");
            money(amount, Currency::try_from(code).expect("a currency"))
        };
        assert_eq!(told(50_005, "NOK"), "500.05 NOK");
        assert_eq!(told(0, "NOK"), "0.00 NOK");
        assert_eq!(told(1_234, "JPY"), "1234 JPY");
        assert_eq!(told(1_234, "KWD"), "1.234 KWD");
    }
}
