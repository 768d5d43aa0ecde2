//! Amounts and currencies.

use std::fmt;

/// The most any amount of a call, or any sum of one card, may reach, in minor units.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// Money in minor units (øre, cents), from 0 to [`MAX_AMOUNT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Amount(i64);

/// Why an amount was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountFault {
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// Above [`MAX_AMOUNT`].
    #[error("must be at most {MAX_AMOUNT}")]
    TooLarge,
}

impl Amount {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// The number of minor units.
    pub fn minor_units(self) -> i64 {
        self.0
    }

    /// The sum, or `None` where it would pass [`MAX_AMOUNT`].
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(|sum| Self::try_from(sum).ok())
    }

    /// The difference, or `None` where it would be negative.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(|difference| Self::try_from(difference).ok())
    }

    /// Whether there is no money in it.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl TryFrom<i64> for Amount {
    type Error = AmountFault;

    fn try_from(minor_units: i64) -> Result<Self, AmountFault> {
        match minor_units {
            ..0 => Err(AmountFault::Negative),
            0..=MAX_AMOUNT => Ok(Self(minor_units)),
            _ => Err(AmountFault::TooLarge),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A currency of ISO 4217, by its three-letter code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// The text is not an ISO 4217 code in capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 4217 currency code such as NOK")]
pub struct CurrencyFault;

impl Currency {
    /// The Norwegian krone, an account's default currency until it chooses another.
    pub const NOK: Self = Self(iso_currency::Currency::NOK);

    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals an amount has when people write it: 2 for NOK, 0 for JPY.
    pub fn minor_digits(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl TryFrom<&str> for Currency {
    type Error = CurrencyFault;

    fn try_from(code: &str) -> Result<Self, CurrencyFault> {
        iso_currency::Currency::from_code(code).map(Self).ok_or(CurrencyFault)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_stop_at_their_limits_and_never_wrap() {
        assert_eq!(Amount::try_from(-1), Err(AmountFault::Negative));
        assert_eq!(Amount::try_from(i64::MIN), Err(AmountFault::Negative));
        assert_eq!(Amount::try_from(MAX_AMOUNT + 1), Err(AmountFault::TooLarge));
        assert_eq!(Amount::try_from(i64::MAX), Err(AmountFault::TooLarge));
        let most = Amount::try_from(MAX_AMOUNT).expect("the largest amount");
        assert_eq!(most.plus(Amount(1)), None);
        assert_eq!(Amount::ZERO.minus(Amount(1)), None);
        assert_eq!(most.minus(most), Some(Amount::ZERO));
    }

    #[test]
    fn currencies_are_iso_codes_in_capitals() {
        assert_eq!(Currency::try_from("NOK"), Ok(Currency::NOK));
        assert_eq!(Currency::try_from("JPY").map(Currency::minor_digits), Ok(0));
        assert_eq!(Currency::NOK.minor_digits(), 2);
        for bad in ["nok", "", "NO", "KRONE", "ZZZ"] {
            assert_eq!(Currency::try_from(bad), Err(CurrencyFault), "{bad}");
        }
    }

    #[test]
    fn amounts_within_the_limits_are_added_and_taken_away() {
        assert_eq!(Amount(3).plus(Amount(4)), Some(Amount(7)));
        assert_eq!(Amount(7).minus(Amount(4)), Some(Amount(3)));
        assert_eq!((Amount(7).minor_units(), Amount(1).is_zero(), Amount::ZERO.is_zero()), (7, false, true));
        assert_eq!(Amount::try_from(MAX_AMOUNT).map(Amount::minor_units), Ok(MAX_AMOUNT));
    }

    #[test]
    fn money_is_written_in_minor_units_and_by_its_code() {
        assert_eq!(Amount(1_050).to_string(), "1050");
        assert_eq!(format!("{0} {0:?}", Currency::NOK), "NOK NOK");
    }
}
