//! The way in for an operator: a running server's socket, or, where none runs, the same API in this process.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use reqwest::Url;
use service::PublicHosts;
use tower::ServiceExt as _;

use crate::data::DataFolder;
use crate::exit::{self, Exit};
use crate::http::{Answer, Call, Http};
use crate::serve::open::{self, Opened};
use crate::settings::{DataFlags, Server};

/// A server that starts or stops holds the lock without having a socket; it is given this long.
const LOCK_TRIES: u32 = 50;
const LOCK_WAIT: Duration = Duration::from_millis(100);

/// The operator's API.
pub enum Operator {
    /// Of a server that runs.
    Socket(Http),
    /// Of this process, which keeps servers out of a data directory meanwhile, and tells those on a database.
    Here(Router, Opened),
}

impl Operator {
    /// To a database, or to a data directory that has one.
    pub async fn to_existing(flags: &DataFlags) -> Result<Self> {
        if let Some(folder) = flags.place()?.folder() {
            folder.need_database()?;
        }
        Self::to(flags).await
    }

    /// To a database, or to a data directory, made where there is none.
    pub async fn to(flags: &DataFlags) -> Result<Self> {
        let settings = Server::new(&flags.effective()?)?;
        let place = settings.place();
        let urls = open::public_urls(&settings.public_urls, settings.listen, settings.tls.is_some());
        let mut tries_left = LOCK_TRIES;
        loop {
            if let Some(socket) = place.folder().map(DataFolder::socket)
                && UnixStream::connect(&socket).is_ok()
            {
                return Ok(Self::Socket(Http::to_socket(&socket)?));
            }
            let hosts = PublicHosts::new(&urls, &settings.audience_aliases);
            match open::open(&place, settings.master_key.as_ref(), hosts).await {
                Err(error) if exit::of(&error) == Exit::Declined && tries_left > 0 => {
                    tries_left -= 1;
                    tokio::time::sleep(LOCK_WAIT).await;
                }
                Err(error) => return Err(error),
                Ok(opened) => {
                    let router = open::operator_router(&opened.service, &settings);
                    return Ok(Self::Here(router, opened));
                }
            }
        }
    }

    /// Sends a request; the same either way.
    pub async fn send(&self, call: &Call) -> Result<Answer> {
        match self {
            Self::Socket(http) => http.send(call).await.map_err(|lost| lost.into_error()),
            Self::Here(router, _) => send_here(router, call).await,
        }
    }

    /// Lets go of the data directory or the database.
    pub async fn close(self) -> Result<()> {
        match self {
            Self::Socket(_) => Ok(()),
            Self::Here(_, opened) => opened.store.close().await.context("cannot close the store"),
        }
    }
}

async fn send_here(router: &Router, call: &Call) -> Result<Answer> {
    let url = call.url(&Url::parse("http://localhost")?);
    let mut request = Request::builder().method(call.method.clone()).uri(url.as_str());
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    let body = match &call.body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    let response = router.clone().oneshot(request.body(body)?).await?;
    let status = response.status().as_u16();
    let request_id =
        response.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let body = to_bytes(response.into_body(), usize::MAX).await?.to_vec();
    Ok(Answer { status, request_id, retry_after: None, body })
}
