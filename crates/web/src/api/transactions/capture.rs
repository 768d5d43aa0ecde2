//! `POST …/transactions/{id}/capture`: locked money is taken.

use std::sync::Arc;

use axum::extract::State;
use domain::{Metadata, OriginatedBy, RefId, TransactionId};
use serde_json::json;
use service::{CaptureRequest, Present, WriteTransactions};

use super::{TransactionOut, reply};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Faults, PositiveAmount, wire};

wire! {
    /// Locked money that is to be taken.
    pub(crate) struct CaptureBody as "CaptureRequest" {
        /// Your reference: the same request with the same one is carried out once.
        ref_id: RefId [required],
        /// How much, in minor units; all that is still locked unless told otherwise.
        amount: PositiveAmount,
        /// The shop, till or person it comes from.
        originated_by: OriginatedBy,
        /// Your own data: at most 64 keys and 16 KiB.
        metadata: Metadata,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/transactions/{id}/capture", handle)
        .named(
            "captureTransaction",
            "transactions",
            "Take locked money",
            "Writes a drawdown whose `parent_id` is the lock. What is left stays locked and may be captured too. A \
             caller that holds no more than `write:wallets:/transactions` captures what it locked itself.",
        )
        .permitted::<WriteTransactions>()
        .body::<CaptureBody>(json!({"ref_id": "shipped-2026-0815", "amount": 10_000}))
        .answers::<TransactionOut>(examples::capture())
        .refuses(Code::NotPending, "The transaction is no lock")
        .refuses(Code::LockClosed, "The lock was captured whole, voided, or has run out")
        .refuses(Code::AmountExceedsLock, "Less is locked; `details.remaining` says how much")
        .refuses(Code::CardBlocked, "The card was stopped")
        .refuses(Code::TransactionNotFound, "No such transaction")
        .refuses(Code::RefIdReused, "The `ref_id` stands for another request")
        .changing()
}

/// A capture but for the lock, which the path names.
pub(crate) struct Asked {
    ref_id: RefId,
    rest: CaptureBody,
}

impl Body for CaptureBody {
    type Request = Asked;

    fn build(self, _: &Present, _: &mut Faults) -> Option<Asked> {
        Some(Asked { ref_id: self.ref_id.clone()?, rest: self })
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteTransactions>,
    InPath(lock): InPath<TransactionId>,
    Json(Asked { ref_id, rest }): Json<CaptureBody>,
) -> Result<Reply, ApiError> {
    let request = CaptureRequest {
        lock,
        ref_id,
        amount: rest.amount.map(|PositiveAmount(amount)| amount),
        originated_by: rest.originated_by,
        metadata: rest.metadata.unwrap_or_default(),
    };
    reply(&api.service.capture(&permit, request).await?)
}
