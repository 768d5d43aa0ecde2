//! Instants, as RFC 3339 writes them.

use domain::Timestamp;
use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use jiff::fmt::temporal::DateTimePrinter;

const NOT_RFC3339: &str = "must be an RFC 3339 date and time such as 2026-11-22T14:00:00.000Z";

// Times are reckoned as dates and times of day in UTC: the library's own type for instants ends a day before
// 9999-12-31T23:59:59Z, which clients write for "never".
const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// With milliseconds.
static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Reads an instant with any offset; what is finer than a millisecond is dropped.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    let unix_ms = unix_ms(text).ok_or(NOT_RFC3339)?;
    Timestamp::try_from(unix_ms).map_err(|fault| fault.to_string())
}

/// `2026-11-22T14:00:00.000Z`
pub(crate) fn text(time: Timestamp) -> String {
    let mut text = String::with_capacity(24);
    // Every instant of the domain is one that can be written.
    let utc = EPOCH.checked_add(SignedDuration::from_millis(time.unix_ms())).unwrap_or(EPOCH);
    let written = PRINTER.print_datetime(&utc, &mut text);
    debug_assert!(written.is_ok(), "a string takes every text");
    text.push('Z');
    text
}

/// Only the one form, digit by digit: the time library reads many more than RFC 3339 has.
fn unix_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (civil, rest) = bytes.split_at_checked(19)?;
    let digits = |from: usize, to: usize| number(civil.get(from..to)?);
    let separators = [civil[4], civil[7], civil[10].to_ascii_uppercase(), civil[13], civil[16]];
    if separators != *b"--T::" {
        return None;
    }
    let (fraction, zone) = fraction(rest)?;
    // A leap second is taken for the one before it.
    let second = digits(17, 19).filter(|second| *second <= 60)?.min(59);
    let local = DateTime::new(
        i16::try_from(digits(0, 4)?).ok()?,
        i8::try_from(digits(5, 7)?).ok()?,
        i8::try_from(digits(8, 10)?).ok()?,
        i8::try_from(digits(11, 13)?).ok()?,
        i8::try_from(digits(14, 16)?).ok()?,
        i8::try_from(second).ok()?,
        fraction,
    );
    let local_ms = i64::try_from(local.ok()?.duration_since(EPOCH).as_millis()).ok()?;
    Some(local_ms - i64::from(offset_seconds(zone)?) * 1_000)
}

/// Nanoseconds, as far as milliseconds tell, and what follows them.
fn fraction(rest: &[u8]) -> Option<(i32, &[u8])> {
    let Some(after_point) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let length = after_point.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = after_point.split_at(length);
    if digits.is_empty() {
        return None;
    }
    let thousandths: Vec<u8> = digits.iter().copied().chain(*b"000").take(3).collect();
    Some((number(&thousandths)? * 1_000_000, zone))
}

fn offset_seconds(zone: &[u8]) -> Option<i32> {
    let sign = match zone {
        b"Z" | b"z" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let [_, hours @ .., b':', _, _] = zone else {
        return None;
    };
    let minutes = number(zone.get(4..6)?).filter(|minutes| *minutes < 60)?;
    let hours = number(hours).filter(|number| hours.len() == 2 && *number < 24)?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

fn number(digits: &[u8]) -> Option<i32> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
    digits.iter().try_fold(0, |number: i32, byte| number.checked_mul(10)?.checked_add(digit(byte)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_is_read_and_utc_with_milliseconds_is_written() {
        for (read, written) in [
            ("2026-11-22T14:00:00.000Z", "2026-11-22T14:00:00.000Z"),
            ("2026-11-22t14:00:00z", "2026-11-22T14:00:00.000Z"),
            ("2026-11-22T15:30:00+01:30", "2026-11-22T14:00:00.000Z"),
            ("2026-11-22T14:00:00-00:00", "2026-11-22T14:00:00.000Z"),
            ("2026-11-22T00:30:00.5-23:59", "2026-11-23T00:29:00.500Z"),
            ("2024-02-29T23:59:60Z", "2024-02-29T23:59:59.000Z"),
            ("2026-11-22T14:00:00.123456789123Z", "2026-11-22T14:00:00.123Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59+23:59", "9999-12-31T00:00:59.000Z"),
        ] {
            assert_eq!(parse(read).map(text).as_deref(), Ok(written), "{read}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for bad in [
            "",
            "2026-11-22",
            "2026-11-22T14:00:00",
            "2026-11-22 14:00:00Z",
            "2026-11-22T14:00Z",
            "2026-11-22T14:00:00.Z",
            "2026-11-22T14:00:00+0100",
            "2026-11-22T14:00:00+24:00",
            "2026-11-22T14:00:00+01:60",
            "2026-11-22T14:00:00+1:000",
            "2026-11-22T24:00:00Z",
            "2026-02-29T14:00:00Z",
            "2026-11-22T14:00:61Z",
            "2026-11-22T14:00:00Z[Europe/Oslo]",
            "2026-11-22T14:00:00Zx",
            "+002026-11-22T14:00:00Z",
            "２026-11-22T14:00:00Z",
            "1969-12-31T23:59:59Z",
            "1700000000",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
