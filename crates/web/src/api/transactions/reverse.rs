//! `POST …/transactions/{id}/reverse`: a till takes its own drawdown back.

use std::sync::Arc;

use axum::extract::State;
use domain::{RefId, TransactionId};
use serde_json::json;
use service::{Present, WriteTransactions};

use super::{TransactionOut, reply};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Faults, wire};

wire! {
    /// A drawdown that is to be given back whole.
    pub(crate) struct ReverseBody as "ReverseRequest" {
        /// Your reference: the same request with the same one is carried out once.
        ref_id: RefId [required],
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/transactions/{id}/reverse", handle)
        .named(
            "reverseTransaction",
            "transactions",
            "Undo a drawdown",
            "Gives a whole drawdown back, by the client that made it and no other, within the account's \
             `reversal_minutes`; to a card that has expired or was stopped too. Later, or of another kind of \
             transaction: `INVALID_REQUEST`.",
        )
        .permitted::<WriteTransactions>()
        .body::<ReverseBody>(json!({"ref_id": "undo-2026-0815"}))
        .answers::<TransactionOut>(examples::reversal())
        .refuses(
            Code::RefundExceedsDrawdown,
            "Some of it was given back; `details.left` says how much is left",
        )
        .refuses(Code::AmountLimit, "A sum of the card would pass the largest amount")
        .refuses(Code::CardNotFound, "The card was deleted")
        .refuses(Code::TransactionNotFound, "No such transaction")
        .refuses(Code::RefIdReused, "The `ref_id` stands for another request")
        .changing()
}

impl Body for ReverseBody {
    type Request = RefId;

    fn build(self, _: &Present, _: &mut Faults) -> Option<RefId> {
        self.ref_id
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteTransactions>,
    InPath(drawdown): InPath<TransactionId>,
    Json(ref_id): Json<ReverseBody>,
) -> Result<Reply, ApiError> {
    reply(&api.service.reverse(&permit, drawdown, ref_id).await?)
}
