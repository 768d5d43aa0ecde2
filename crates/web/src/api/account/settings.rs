//! `GET …/settings`: what an account has chosen.

use std::sync::Arc;

use axum::extract::State;
use domain::{
    Amount, Currency, DayLimit, Format, LockLife, PinPolicy, RefundToExpired, Settings, TokenDefaults,
};
use service::ReadAccounts;

use crate::api::Api;
use crate::api::access::Access;
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{FormatOut, answer};

pub(crate) const PATH: &str = "/v1/accounts/{aid}/settings";

answer! {
    /// The most that may be moved on one day by UTC. What is absent is not limited.
    pub(crate) struct DayLimitOut as "DayLimit" {
        /// The most money, in minor units.
        amount: Option<Amount>,
        /// The most calls.
        count: Option<u32>,
    }
}

answer! {
    /// What tokens get where a request does not say.
    pub(crate) struct TokenDefaultsOut<'a> as "TokenDefaults" {
        /// How a token is made.
        format: FormatOut<'a>,
        /// Seconds it lives.
        expires_in: Option<u32>,
        /// Whether one drawdown uses it up.
        expires_after_transaction: Option<bool>,
    }
}

answer! {
    /// What an account has chosen. What is absent is not limited.
    pub(crate) struct SettingsOut<'a> as "Settings" {
        /// The currency a batch card shows until activation.
        default_currency: Currency,
        /// Whether money moves by token without the PIN of a card that has one.
        pin_policy: PinPolicy,
        /// Whether money may be given back to a card that has expired.
        refund_to_expired: RefundToExpired,
        /// Minutes within which a client may reverse its own drawdown.
        reversal_minutes: u32,
        /// Seconds a lock lives that was made without `expires_in`.
        lock_life: Option<LockLife>,
        /// The most a card may hold after creation, activation or fund, in minor units.
        balance_max: Option<Amount>,
        /// The most a card may be created or activated with, in minor units.
        activation_max: Option<Amount>,
        /// The most one card may move on one day.
        card_day: DayLimitOut,
        /// The most one client may move on one day.
        client_day: DayLimitOut,
        /// Months after which a card expires where nothing else was said.
        expiry_months: Option<u16>,
        /// What tokens get where a request does not say.
        token: TokenDefaultsOut<'a>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get(PATH, handle)
        .named("getSettings", "account", "Read the settings", "What the account has chosen for itself.")
        .permitted::<ReadAccounts>()
        .answers::<SettingsOut>(examples::settings())
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadAccounts>,
) -> Result<Reply, ApiError> {
    reply(&api.service.settings(&permit)?)
}

/// Settings, ready to be written.
pub(super) fn reply(settings: &Settings) -> Result<Reply, ApiError> {
    let format = Format::token(&settings.token.format).map_err(|_| ApiError::internal())?;
    Reply::of(&SettingsOut::new(settings, &format))
}

impl From<DayLimit> for DayLimitOut {
    fn from(limit: DayLimit) -> Self {
        Self { amount: limit.amount, count: limit.count }
    }
}

impl<'a> SettingsOut<'a> {
    /// `format` is that of a token about which a request says nothing.
    pub(crate) fn new(settings: &Settings, format: &'a Format) -> Self {
        let TokenDefaults { format: _, expires_in, expires_after_transaction } = settings.token;
        let format = FormatOut::from(format);
        Self {
            default_currency: settings.default_currency,
            pin_policy: settings.pin_policy,
            refund_to_expired: settings.refund_to_expired,
            reversal_minutes: settings.reversal_minutes,
            lock_life: settings.lock_life,
            balance_max: settings.balance_max,
            activation_max: settings.activation_max,
            card_day: settings.card_day.into(),
            client_day: settings.client_day.into(),
            expiry_months: settings.expiry_months,
            token: TokenDefaultsOut { format, expires_in, expires_after_transaction },
        }
    }
}
