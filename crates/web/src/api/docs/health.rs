//! Whether the process runs, and whether it can serve.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use serde_json::json;

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::answer;

answer! {
    /// How the server is.
    pub(crate) struct Health<'a> {
        /// `alive` or `ready`.
        status: &'a str,
    }
}

pub(crate) fn alive() -> Operation {
    Operation::get("/healthz", is_alive)
        .named("getHealth", "server", "Whether the process runs", "Answers as long as the process runs.")
        .open()
        .answers::<Health>(json!({"status": "alive"}))
}

pub(crate) fn ready() -> Operation {
    Operation::get("/readyz", is_ready)
        .named(
            "getReadiness",
            "server",
            "Whether requests can be served",
            "Refuses while the store cannot work, and from the moment the server begins to stop.",
        )
        .open()
        .answers::<Health>(json!({"status": "ready"}))
        .refuses(Code::Unavailable, "The server cannot serve now")
}

async fn is_alive() -> Result<Reply, ApiError> {
    Reply::of(&Health { status: "alive" })
}

async fn is_ready(State(api): State<Arc<Api>>) -> Result<Reply, ApiError> {
    if api.settings.stopping.load(Ordering::Relaxed) {
        return Err(ApiError::new(Code::Unavailable, "the server is about to stop").retry_after(1));
    }
    api.service.check().await?;
    Reply::of(&Health { status: "ready" })
}
