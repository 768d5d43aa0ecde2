//! PINs that are presented, and how guessing them is slowed down and ended.

use zeroize::Zeroizing;

use crate::{CardUuid, ClientUuid, PinMac, Timestamp};

/// Wrong ones in a row after which a client waits.
const ROW_MAX: u32 = 5;
/// Wrong ones since the last rotation after which a client cannot use the PIN any more.
const WRONG_MAX: u32 = 20;
const FIRST_WAIT_SECONDS: u32 = 30;
const LAST_WAIT_SECONDS: u32 = 3_600;

/// A PIN as a client sent it. It cannot be printed, and is wiped when dropped.
#[derive(Clone)]
pub struct PresentedPin(Zeroizing<String>);

impl PresentedPin {
    /// Takes the value.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value, for hashing and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Tells in constant time whether a PIN that was presented for a card is the one behind a keyed hash.
///
/// A pure function that is handed to [`decide`](crate::decide), because only `service` has the keys.
pub type PinCheck<'a> = &'a dyn Fn(CardUuid, &PresentedPin, &PinMac) -> bool;

/// How often one client guessed one card's PIN wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinTries {
    /// The card.
    pub card: CardUuid,
    /// The client.
    pub client: ClientUuid,
    /// Wrong ones since the last right one.
    pub wrong_in_row: u32,
    /// Wrong ones since the card got its PIN.
    pub wrong_since_rotation: u32,
    /// Until when no PIN of this client is compared.
    pub waits_until: Option<Timestamp>,
}

impl PinTries {
    /// No try yet.
    pub fn none(card: CardUuid, client: ClientUuid) -> Self {
        Self { card, client, wrong_in_row: 0, wrong_since_rotation: 0, waits_until: None }
    }

    /// Whether the PIN is lost to the client until it is rotated.
    pub fn is_used_up(&self) -> bool {
        self.wrong_since_rotation >= WRONG_MAX
    }

    /// Seconds until the client may try again, rounded up; none where it may at once.
    pub fn wait_seconds(&self, now: Timestamp) -> Option<u32> {
        let until = self.waits_until.filter(|until| now < *until)?;
        let wait_ms = until.unix_ms().saturating_sub(now.unix_ms());
        Some(u32::try_from(wait_ms.saturating_add(999).checked_div(1_000)?).unwrap_or(u32::MAX))
    }

    /// After a wrong one.
    #[must_use]
    pub fn with_wrong(self, now: Timestamp) -> Self {
        let wrong_in_row = self.wrong_in_row.saturating_add(1);
        let waits_until = (wrong_in_row >= ROW_MAX).then(|| now.plus_seconds(wait_after(wrong_in_row)));
        let wrong_since_rotation = self.wrong_since_rotation.saturating_add(1);
        Self { wrong_in_row, wrong_since_rotation, waits_until, ..self }
    }

    /// After a right one: the waits end, the count since the rotation stays.
    #[must_use]
    pub fn with_right(self) -> Self {
        Self { wrong_in_row: 0, waits_until: None, ..self }
    }
}

fn wait_after(wrong_in_row: u32) -> u32 {
    let doubled = |seconds: u32, _| seconds.saturating_mul(2).min(LAST_WAIT_SECONDS);
    (ROW_MAX..wrong_in_row).fold(FIRST_WAIT_SECONDS, doubled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_half_a_minute_to_an_hour() {
        let waits: Vec<u32> = (5..=14).map(wait_after).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
    }
}
