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

    /// This instant and `ms` milliseconds more, never past the year 9999.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)).min(LAST_MS))
    }

    /// The same day of the month and time of day (UTC) `months` later; the last day of a month that is too short.
    #[must_use]
    pub fn plus_months(self, months: u16) -> Self {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        let later =
            jiff::tz::Offset::UTC.to_datetime(instant).saturating_add(jiff::Span::new().months(months));
        let later =
            jiff::tz::Offset::UTC.to_timestamp(later).map_or(LAST_MS, jiff::Timestamp::as_millisecond);
        Self(later.clamp(self.0, LAST_MS))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp::try_from(unix_ms).expect("an instant")
    }

    #[test]
    fn months_keep_the_day_or_end_with_the_month() {
        // 2026-01-31T12:00:00.001Z
        let last_of_january = at(1_769_860_800_001);
        assert_eq!(last_of_january.plus_months(0), last_of_january);
        // 2026-02-28, 2028-02-29, 2027-01-31, each at the same time of day.
        assert_eq!(last_of_january.plus_months(1), at(1_772_280_000_001));
        assert_eq!(last_of_january.plus_months(25), at(1_835_438_400_001));
        assert_eq!(last_of_january.plus_months(12), at(1_801_396_800_001));
        assert_eq!(at(LAST_MS).plus_months(1), at(LAST_MS));
        assert_eq!(last_of_january.plus_months(u16::MAX), at(1_769_860_800_001).plus_months(u16::MAX));
    }

    #[test]
    fn time_ends_with_the_year_9999() {
        assert_eq!(at(0).plus_ms(u64::MAX), at(LAST_MS));
        assert_eq!(at(LAST_MS).plus_seconds(u32::MAX), at(LAST_MS));
        assert_eq!(at(5).minus_seconds(1), at(0));
        assert_eq!(Timestamp::try_from(LAST_MS + 1), Err(TimestampFault));
    }

    #[test]
    fn seconds_and_milliseconds_are_told_apart() {
        assert_eq!(at(5).plus_seconds(2).unix_ms(), 2_005);
        assert_eq!(at(2_005).minus_seconds(2).unix_ms(), 5);
        assert_eq!(at(5).plus_ms(2).unix_ms(), 7);
        assert_eq!(Timestamp::try_from(-1), Err(TimestampFault));
    }
}
