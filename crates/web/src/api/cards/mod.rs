//! Cards.

pub(crate) mod activate;
pub(crate) mod activate_many;
pub(crate) mod adjust;
pub(crate) mod batch;
pub(crate) mod block;
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod create_token;
pub(crate) mod delete;
pub(crate) mod delete_token;
pub(crate) mod get;
pub(crate) mod list;
mod read;
mod render;
pub(crate) mod replace;
pub(crate) mod rotate_pin;
mod tokens;
pub(crate) mod transactions;
pub(crate) mod unblock;

pub(crate) use read::{CardFacts, CardMoney, CardOut, DetailsOut, PinShape};
pub(crate) use tokens::{DeletedTokenOut, PinOut, TokenOut, TokenShape};

use domain::{CardDetails, Dates, Timestamp};

use super::wire::Faults;

/// A card's dates in order; `faults` stand at the card.
fn dates(
    active_from: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    now: Timestamp,
    faults: &mut Faults,
) -> Option<Dates> {
    let dates = Dates::new(active_from, expires_at, now);
    dates.map_err(|fault| faults.add_at("expires_at", fault.to_string())).ok()
}

/// A card and its tokens without secrets, ready to be written.
fn details_reply(
    details: &CardDetails,
    now: Timestamp,
) -> Result<super::frame::Reply, super::error::ApiError> {
    super::frame::Reply::of(&DetailsOut::new(details, now))
}
