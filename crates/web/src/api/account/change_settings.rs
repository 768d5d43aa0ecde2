//! `PATCH …/settings`: an account chooses otherwise.

use std::sync::Arc;

use axum::extract::State;
use domain::{
    Amount, Currency, DayLimit, Format, LockLife, PinPolicy, RefundToExpired, SettingsChange, TokenDefaults,
};
use serde_json::json;
use service::{Present, WriteSettings};

use super::settings::{PATH, SettingsOut, reply};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{Count, Faults, Flag, FormatIn, Minutes, Months, OrNone, Seconds, noted, wire};

wire! {
    /// The most that may be moved on one day by UTC: by creating, activating, funding, drawing and locking.
    pub(crate) struct DayLimitIn as "DayLimitRequest" {
        /// The most money, in minor units of whatever currency; no limit when absent.
        amount: Amount,
        /// The most calls; no limit when absent.
        count: Count,
    }
}

wire! {
    /// What tokens get where a request does not say.
    pub(crate) struct TokenDefaultsIn as "TokenDefaultsRequest" {
        /// How a token is made.
        format: FormatIn,
        /// Seconds it lives.
        expires_in: Seconds,
        /// Whether one drawdown uses it up.
        expires_after_transaction: Flag,
    }
}

wire! {
    /// Other settings. What is absent stays; `null` takes a choice away where there may be none.
    pub(crate) struct SettingsBody as "SettingsChange" {
        /// The currency a batch card shows until activation.
        default_currency: Currency,
        /// `required`: money moves by token only with the PIN of a card that has one. `if_sent`: a PIN is checked where
        /// one is sent.
        pin_policy: PinPolicy,
        /// Whether money may be given back to a card that has expired.
        refund_to_expired: RefundToExpired,
        /// Minutes within which a client may reverse its own drawdown.
        reversal_minutes: Minutes,
        /// Seconds a lock lives that was made without `expires_in`.
        lock_life: OrNone<LockLife>,
        /// The most a card may hold after creation, activation or fund, in minor units.
        balance_max: OrNone<Amount>,
        /// The most a card may be created or activated with, in minor units.
        activation_max: OrNone<Amount>,
        /// The most one card may move on one day, in the place of any limit before.
        card_day: OrNone<DayLimitIn>,
        /// The most one client may move on one day, in the place of any limit before.
        client_day: OrNone<DayLimitIn>,
        /// Months after which a card expires where nothing else was said.
        expiry_months: OrNone<Months>,
        /// What tokens get where a request does not say, in the place of any defaults before.
        token: OrNone<TokenDefaultsIn>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::patch(PATH, handle)
        .named(
            "changeSettings",
            "account",
            "Change the settings",
            "Counts for every request from its answer on. What is absent stays, and `null` takes a choice away.",
        )
        .permitted::<WriteSettings>()
        .body::<SettingsBody>(json!({
            "reversal_minutes": 30,
            "lock_life": 604_800,
            "balance_max": 1_000_000,
            "client_day": {"amount": 50_000_000, "count": 10_000},
            "expiry_months": 36,
            "token": {"format": {"length": 24, "numbers": true}},
        }))
        .answers::<SettingsOut>(examples::settings())
        .changing()
}

impl From<DayLimitIn> for DayLimit {
    fn from(limit: DayLimitIn) -> Self {
        Self { amount: limit.amount, count: limit.count.map(|Count(count)| count) }
    }
}

impl TokenDefaultsIn {
    /// A format is judged as it would be for a token about which a request says nothing.
    fn build(self, faults: &mut Faults) -> Option<TokenDefaults> {
        let format = self.format.unwrap_or_default().request();
        noted(Format::token(&format), faults)?;
        Some(TokenDefaults {
            format,
            expires_in: self.expires_in.map(|Seconds(seconds)| seconds),
            expires_after_transaction: self.expires_after_transaction,
        })
    }
}

impl Body for SettingsBody {
    type Request = SettingsChange;

    fn build(self, _: &Present, faults: &mut Faults) -> Option<SettingsChange> {
        let day = |limit: OrNone<DayLimitIn>| limit.0.map(DayLimit::from).unwrap_or_default();
        let token = match self.token {
            Some(OrNone(Some(token))) => Some(faults.within("token", |faults| token.build(faults))?),
            Some(OrNone(None)) => Some(TokenDefaults::default()),
            None => None,
        };
        Some(SettingsChange {
            default_currency: self.default_currency,
            pin_policy: self.pin_policy,
            refund_to_expired: self.refund_to_expired,
            reversal_minutes: self.reversal_minutes.map(|Minutes(minutes)| minutes),
            lock_life: self.lock_life.map(|OrNone(life)| life),
            balance_max: self.balance_max.map(|OrNone(amount)| amount),
            activation_max: self.activation_max.map(|OrNone(amount)| amount),
            card_day: self.card_day.map(day),
            client_day: self.client_day.map(day),
            expiry_months: self.expiry_months.map(|OrNone(months)| months.map(|Months(months)| months)),
            token,
        })
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteSettings>,
    Json(change): Json<SettingsBody>,
) -> Result<Reply, ApiError> {
    reply(&api.service.change_settings(&permit, change).await?)
}
