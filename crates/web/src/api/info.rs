//! `POST …/info`: a card is looked up by its token.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;
use service::{LookUpCards, Present, Secret};

use super::Api;
use super::access::Access;
use super::body::{Body, Json};
use super::cards::CardOut;
use super::error::{ApiError, Code};
use super::examples;
use super::frame::Reply;
use super::network::From;
use super::operation::Operation;
use super::wire::{Faults, SecretText, wire};

wire! {
    /// A card that is looked up.
    pub(crate) struct InfoBody as "InfoRequest" {
        /// The token that was scanned.
        token: SecretText [required],
        /// The card's PIN, to have it checked.
        pin: SecretText,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/info", handle)
        .named(
            "getCardInfo",
            "cards",
            "Look a card up by its token",
            "Shows the card whatever its status, and no secret. A token that was used up still looks up until its own \
             time is over. With a `pin`, the PIN is checked and a wrong one is counted.",
        )
        .permitted::<LookUpCards>()
        .body::<InfoBody>(json!({"token": "DINCARD:0f8fad5b-d9cb-469f-a165-70867728950e"}))
        .answers::<CardOut>(examples::card())
        .refuses(Code::PinInvalid, "Not the card's PIN, or the card has none")
        .refuses(Code::CardNotFound, "No card that this token opens")
        .refuses(Code::PinLocked, "Too many wrong PINs; the PIN was not compared")
        .refuses(Code::TooManyTries, "Too many unknown tokens; wait for `Retry-After` seconds")
        .changing()
}

/// What was presented.
pub(crate) struct Presented {
    token: Secret,
    pin: Option<Secret>,
}

impl Body for InfoBody {
    type Request = Presented;

    fn build(self, _: &Present, _: &mut Faults) -> Option<Presented> {
        let SecretText(token) = self.token?;
        Some(Presented { token, pin: self.pin.map(|SecretText(pin)| pin) })
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<LookUpCards>,
    From(network): From,
    Json(Presented { token, pin }): Json<InfoBody>,
) -> Result<Reply, ApiError> {
    let card = api.service.info(&permit, &token, pin.as_ref(), network).await?;
    Reply::of(&CardOut::new(&card, api.service.now_in(permit.caller().aid)))
}
