//! `POST …/test-clock`: a test account's clock is moved.

use std::sync::Arc;

use axum::extract::State;
use domain::Timestamp;
use serde_json::json;
use service::{Present, WriteSettings};

use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{Count, Faults, answer, wire};

wire! {
    /// Where a test account's clock is to stand.
    pub(crate) struct ClockBody as "TestClockRequest" {
        /// Seconds ahead of the server's clock, in all; never fewer than before.
        ahead_seconds: Count [required],
    }
}

answer! {
    /// A test account's clock.
    pub(crate) struct ClockOut as "TestClock" {
        /// The account's own time.
        now: Timestamp,
        /// Seconds ahead of the server's clock.
        ahead_seconds: u64,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/test-clock", handle)
        .named(
            "moveTestClock",
            "account",
            "Move a test account's clock",
            "Cards, tokens and locks of the account go by it from then on. It goes forward only, and a production \
             account has none.",
        )
        .permitted::<WriteSettings>()
        .body::<ClockBody>(json!({"ahead_seconds": 86_400}))
        .answers::<ClockOut>(examples::test_clock())
        .changing()
}

impl Body for ClockBody {
    type Request = u32;

    fn build(self, _: &Present, _: &mut Faults) -> Option<u32> {
        self.ahead_seconds.map(|Count(seconds)| seconds)
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteSettings>,
    Json(ahead_seconds): Json<ClockBody>,
) -> Result<Reply, ApiError> {
    let account = api.service.move_test_clock(&permit, u64::from(ahead_seconds) * 1_000).await?;
    let (now, ahead_seconds) = (account.now(api.service.now()), account.test_clock_ms / 1_000);
    Reply::of(&ClockOut { now, ahead_seconds })
}
