//! What an account has chosen for itself.

use crate::macros::names;
use crate::{Amount, Currency, DayLimit, FormatRequest, LockLife};

/// Whether a card that has a PIN demands it from whoever presents its token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PinPolicy {
    /// A PIN is checked where one is sent.
    #[default]
    IfSent,
    /// Money does not move by token without the PIN.
    Required,
}

/// Whether money may go back to a card that has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RefundToExpired {
    /// It may not.
    #[default]
    Refuse,
    /// It may.
    Allow,
}

names!(PinPolicy { IfSent = "if_sent", Required = "required" });
names!(RefundToExpired { Refuse = "refuse", Allow = "allow" });

/// What a token gets where a request does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenDefaults {
    /// How its value is made.
    pub format: FormatRequest,
    /// Seconds it lives.
    pub expires_in: Option<u32>,
    /// Whether one accepted drawdown uses it up.
    pub expires_after_transaction: Option<bool>,
}

/// What an account has chosen for itself. Without a choice nothing is limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The currency a batch card shows until activation fixes one.
    pub default_currency: Currency,
    /// Whether tokens need the card's PIN.
    pub pin_policy: PinPolicy,
    /// Whether money may go back to a card that has expired.
    pub refund_to_expired: RefundToExpired,
    /// Minutes within which a client may reverse its own drawdown.
    pub reversal_minutes: u32,
    /// How long a lock lives that was made without `expires_in`; until it is ended when absent.
    pub lock_life: Option<LockLife>,
    /// The largest balance that creation, activation or fund may lead to.
    pub balance_max: Option<Amount>,
    /// The most a card may be created or activated with.
    pub activation_max: Option<Amount>,
    /// The most one card may move on one day.
    pub card_day: DayLimit,
    /// The most one client may move on one day.
    pub client_day: DayLimit,
    /// Months after creation or activation at which a card expires where nothing else was said.
    pub expiry_months: Option<u16>,
    /// What tokens get where a request does not say.
    pub token: TokenDefaults,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_currency: Currency::NOK,
            pin_policy: PinPolicy::default(),
            refund_to_expired: RefundToExpired::default(),
            reversal_minutes: 15,
            lock_life: None,
            balance_max: None,
            activation_max: None,
            card_day: DayLimit::default(),
            client_day: DayLimit::default(),
            expiry_months: None,
            token: TokenDefaults::default(),
        }
    }
}

impl Settings {
    /// Whether what moves on a day is counted.
    pub fn counts_days(&self) -> bool {
        self.card_day.is_set() || self.client_day.is_set()
    }
}

/// Other settings; what is absent stays. Of those that may be unset, `Some(None)` unsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// See [`Settings::default_currency`].
    pub default_currency: Option<Currency>,
    /// See [`Settings::pin_policy`].
    pub pin_policy: Option<PinPolicy>,
    /// See [`Settings::refund_to_expired`].
    pub refund_to_expired: Option<RefundToExpired>,
    /// See [`Settings::reversal_minutes`].
    pub reversal_minutes: Option<u32>,
    /// See [`Settings::lock_life`].
    pub lock_life: Option<Option<LockLife>>,
    /// See [`Settings::balance_max`].
    pub balance_max: Option<Option<Amount>>,
    /// See [`Settings::activation_max`].
    pub activation_max: Option<Option<Amount>>,
    /// See [`Settings::card_day`].
    pub card_day: Option<DayLimit>,
    /// See [`Settings::client_day`].
    pub client_day: Option<DayLimit>,
    /// See [`Settings::expiry_months`].
    pub expiry_months: Option<Option<u16>>,
    /// See [`Settings::token`].
    pub token: Option<TokenDefaults>,
}

impl SettingsChange {
    /// The settings with the change made.
    pub fn of(self, before: Settings) -> Settings {
        Settings {
            default_currency: self.default_currency.unwrap_or(before.default_currency),
            pin_policy: self.pin_policy.unwrap_or(before.pin_policy),
            refund_to_expired: self.refund_to_expired.unwrap_or(before.refund_to_expired),
            reversal_minutes: self.reversal_minutes.unwrap_or(before.reversal_minutes),
            lock_life: self.lock_life.unwrap_or(before.lock_life),
            balance_max: self.balance_max.unwrap_or(before.balance_max),
            activation_max: self.activation_max.unwrap_or(before.activation_max),
            card_day: self.card_day.unwrap_or(before.card_day),
            client_day: self.client_day.unwrap_or(before.client_day),
            expiry_months: self.expiry_months.unwrap_or(before.expiry_months),
            token: self.token.unwrap_or(before.token),
        }
    }
}
