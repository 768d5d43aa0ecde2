//! `POST …/transactions/{id}/void`: a lock is ended.

use std::sync::Arc;

use axum::extract::State;
use domain::{Metadata, RefId, TransactionId};
use serde_json::json;
use service::{Present, VoidRequest, WriteTransactions};

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
    /// A lock that is to be ended.
    pub(crate) struct VoidBody as "VoidRequest" {
        /// Your reference: the same request with the same one is carried out once.
        ref_id: RefId [required],
        /// Your own data: at most 64 keys and 16 KiB.
        metadata: Metadata,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/transactions/{id}/void", handle)
        .named(
            "voidTransaction",
            "transactions",
            "End a lock",
            "Frees what is left of the lock, on a blocked or expired card too. A caller that holds no more than \
             `write:wallets:/transactions` ends what it locked itself.",
        )
        .permitted::<WriteTransactions>()
        .body::<VoidBody>(json!({"ref_id": "cancelled-2026-0815"}))
        .answers::<TransactionOut>(examples::void())
        .refuses(Code::NotPending, "The transaction is no lock")
        .refuses(Code::LockClosed, "The lock was captured whole, voided, or has run out")
        .refuses(Code::TransactionNotFound, "No such transaction")
        .refuses(Code::RefIdReused, "The `ref_id` stands for another request")
        .changing()
}

impl Body for VoidBody {
    type Request = (RefId, Metadata);

    fn build(self, _: &Present, _: &mut Faults) -> Option<(RefId, Metadata)> {
        Some((self.ref_id?, self.metadata.unwrap_or_default()))
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteTransactions>,
    InPath(lock): InPath<TransactionId>,
    Json((ref_id, metadata)): Json<VoidBody>,
) -> Result<Reply, ApiError> {
    reply(&api.service.void(&permit, VoidRequest { lock, ref_id, metadata }).await?)
}
