//! Instants. The domain is told the time; it never asks for it.

/// Milliseconds since 1970-01-01T00:00:00Z, from the year 1970 up to the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// The instant lies outside the years 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must lie between the years 1970 and 9999")]
pub struct TimestampFault;

/// 9999-12-31T23:59:59.999Z, the last instant RFC 3339 can write.
const LAST_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// This instant and `seconds` more, never past the year 9999.
    #[must_use]
    pub fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(i64::from(seconds).saturating_mul(1_000)).min(LAST_MS))
    }

    /// This instant less `seconds`, never before 1970.
    #[must_use]
    pub fn minus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(seconds).saturating_mul(1_000)).max(0))
    }
}

impl TryFrom<i64> for Timestamp {
    type Error = TimestampFault;

    fn try_from(unix_ms: i64) -> Result<Self, TimestampFault> {
        if (0..=LAST_MS).contains(&unix_ms) { Ok(Self(unix_ms)) } else { Err(TimestampFault) }
    }
}

/// Where the time comes from; handed to whatever must know it, so that tests can set it.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}
