//! Accounts: the merchants a server keeps apart.

use std::fmt;
use std::str;

use crate::{Settings, Timestamp};

/// How far ahead of the server's a test account's clock may stand: 3,650 days.
pub const TEST_CLOCK_MAX_MS: u64 = 315_360_000_000;

/// An account id: `T` or `P` and eight digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Aid([u8; 9]);

/// Whether an account holds play money or real money; the two share no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// `T…`: a test account.
    Test,
    /// `P…`: a production account.
    Production,
}

/// The text is not `^[PT]\d{8}$`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be P or T followed by 8 digits")]
pub struct AidFault;

/// An account and what it has chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's id.
    pub aid: Aid,
    /// What people call the account.
    pub name: String,
    /// What it has chosen.
    pub settings: Settings,
    /// How far a test account's clock was moved ahead of the server's, in milliseconds; 0 in production.
    pub test_clock_ms: u64,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl Account {
    /// The account's own present: what its cards go by, in decisions and in reads. Clients, secrets and the audit
    /// go by the server's clock.
    pub fn now(&self, server_now: Timestamp) -> Timestamp {
        server_now.plus_ms(self.test_clock_ms)
    }
}

impl Aid {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Test or production, told by the first letter.
    pub fn mode(self) -> Mode {
        if self.0.starts_with(b"P") { Mode::Production } else { Mode::Test }
    }
}

impl TryFrom<&str> for Aid {
    type Error = AidFault;

    fn try_from(text: &str) -> Result<Self, AidFault> {
        let bytes: [u8; 9] = text.as_bytes().try_into().map_err(|_| AidFault)?;
        let [letter, digits @ ..] = &bytes;
        let well_formed = matches!(letter, b'P' | b'T') && digits.iter().all(u8::is_ascii_digit);
        if well_formed { Ok(Self(bytes)) } else { Err(AidFault) }
    }
}

impl fmt::Display for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Mode {
    /// The letter that begins the ids of this mode's accounts.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Test => "T",
            Self::Production => "P",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_p_or_t_and_eight_digits_is_an_account_id() {
        assert_eq!(Aid::try_from("T12345678").map(|aid| aid.mode()), Ok(Mode::Test));
        assert_eq!(Aid::try_from("P00000000").map(|aid| aid.mode()), Ok(Mode::Production));
        for bad in ["", "T1234567", "T123456789", "t12345678", "X12345678", "T1234567a", "T١٢٣٤", " T1234567"]
        {
            assert_eq!(Aid::try_from(bad), Err(AidFault), "{bad:?}");
        }
    }

    #[test]
    fn an_account_id_is_written_as_it_was_read() {
        for (text, mode) in [("T12345678", Mode::Test), ("P00000000", Mode::Production)] {
            let aid = Aid::try_from(text).expect("an account id");
            assert_eq!((aid.as_str(), format!("{aid} {aid:?}")), (text, format!("{text} {text}")));
            assert!(aid.mode() == mode && text.starts_with(mode.letter()) && mode.letter().len() == 1);
        }
    }
}
