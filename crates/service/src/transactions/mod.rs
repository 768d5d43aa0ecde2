//! Moving money.

mod create;
mod follow;
mod read;

use domain::{CardId, Outcome, Transaction};

use crate::Error;

pub use create::{Movement, TransactionRequest};
pub use follow::{CaptureRequest, VoidRequest};

fn written(outcome: Outcome) -> Result<(Transaction, CardId), Error> {
    match outcome {
        Outcome::Written(transaction, card_id) => Ok((*transaction, card_id)),
        _ => Err(Error::Internal),
    }
}
