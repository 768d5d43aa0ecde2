//! `POST …/cards/{card_id}/rotate-pin`: another PIN for a card.

use std::sync::Arc;

use axum::extract::State;
use domain::{CardId, Format};
use serde_json::json;
use service::{Present, WriteCards};

use super::PinOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Keyed};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Faults, PinIn, answer, pin_format, wire};

wire! {
    /// A PIN that is to take the place of the one before.
    pub(crate) struct RotateBody as "RotatePinRequest" {
        /// The PIN.
        pin: PinIn [required],
    }
}

answer! {
    /// A card's new PIN.
    pub(crate) struct RotatedOut<'a> as "RotatedPin" {
        /// The PIN, in the one answer that shows it.
        pin: PinOut<'a>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/cards/{card_id}/rotate-pin", handle)
        .named(
            "rotatePin",
            "cards",
            "Give a card another PIN",
            "The PIN before is dead at once. This answer alone shows the new one; send an `Idempotency-Key` to be able \
             to get a lost answer again.",
        )
        .permitted::<WriteCards>()
        .keyed()
        .body::<RotateBody>(json!({"pin": {"format": {"length": 4}}}))
        .answers::<RotatedOut>(examples::rotated_pin())
        .refuses(Code::CardNotFound, "No such card")
        .changing()
}

impl Body for RotateBody {
    type Request = Format;

    fn build(self, _: &Present, faults: &mut Faults) -> Option<Format> {
        let pin = self.pin?;
        faults.within("pin", |faults| pin_format(pin, faults))
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteCards>,
    InPath(card_id): InPath<CardId>,
    Keyed { request: format, idempotency }: Keyed<RotateBody>,
) -> Result<Reply, ApiError> {
    let made = api.service.rotate_pin(&permit, &card_id, &format, idempotency.as_ref()).await?;
    Reply::of(&RotatedOut { pin: PinOut::from(&made) })
}
