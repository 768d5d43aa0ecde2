//! `GET …/reports/liability`: what an account owes on its cards.

use std::sync::Arc;

use axum::extract::State;
use domain::{Currency, Status, Timestamp};
use service::{Liability, LiabilityRow, Month, ReadCards};

use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::Query;
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{answer, query};

/// A row, by experience.
const ROW_BYTES: usize = 160;

query! {
    /// Which instant.
    pub(crate) struct LiabilityQuery {
        /// A past instant; now unless told otherwise.
        at: Timestamp,
    }
}

answer! {
    /// The cards of one currency.
    pub(crate) struct TotalOut as "LiabilityTotal" {
        /// Their currency.
        currency: Currency,
        /// How many they are.
        cards: u64,
        /// What is left on them, in minor units.
        amount_balance: i128,
        /// How much of it is locked.
        amount_reserved: i128,
    }
}

answer! {
    /// The cards of one currency, status and month of activation.
    pub(crate) struct RowOut as "LiabilityRow" {
        ..total: TotalOut,
        /// Where they stood.
        status: Status,
        /// When they were activated, by UTC, as `2026-03`; absent for cards that never were.
        activated: Option<String>,
    }
}

answer! {
    /// What an account owed on its cards at one instant.
    pub(crate) struct LiabilityOut as "Liability" {
        /// The instant.
        at: Timestamp,
        /// One for each currency.
        totals: Vec<TotalOut>,
        /// The same, told apart by status and month of activation.
        rows: Vec<RowOut>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get("/v1/accounts/{aid}/wallets/reports/liability", handle)
        .named(
            "getLiability",
            "reports",
            "Report what is owed on cards",
            "What was left on the cards, by currency, status and month of activation. Past instants are known from the \
             end of the account's first day on.",
        )
        .permitted::<ReadCards>()
        .query::<LiabilityQuery>()
        .answers::<LiabilityOut>(examples::liability())
        .stored()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadCards>,
    Query(query): Query<LiabilityQuery>,
) -> Result<Reply, ApiError> {
    let liability = api.service.liability(&permit, query.at).await?;
    Reply::with_room(&LiabilityOut::from(&liability), (liability.rows.len() + 1) * ROW_BYTES)
}

impl From<&Liability> for LiabilityOut {
    fn from(liability: &Liability) -> Self {
        let mut totals: Vec<TotalOut> = Vec::new();
        for row in &liability.rows {
            // The rows of a currency stand together.
            match totals.last_mut().filter(|total| total.currency == row.currency) {
                Some(total) => {
                    total.cards += row.cards;
                    total.amount_balance += row.balance;
                    total.amount_reserved += row.reserved;
                }
                None => totals.push(TotalOut::from(row)),
            }
        }
        Self { at: liability.at, totals, rows: liability.rows.iter().map(RowOut::from).collect() }
    }
}

impl From<&LiabilityRow> for TotalOut {
    fn from(row: &LiabilityRow) -> Self {
        Self {
            currency: row.currency,
            cards: row.cards,
            amount_balance: row.balance,
            amount_reserved: row.reserved,
        }
    }
}

impl From<&LiabilityRow> for RowOut {
    fn from(row: &LiabilityRow) -> Self {
        let month = |Month { year, month }: Month| format!("{year:04}-{month:02}");
        Self { total: TotalOut::from(row), status: row.status, activated: row.activated.map(month) }
    }
}
