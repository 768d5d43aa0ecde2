//! HTTP to a server of ours: over the network as an API client, or over the operator's socket.

mod api;
mod refusal;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use api::{Access, Api};
pub use refusal::refused;

use crate::exit::{Exit, Failure, usage};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A batch of a thousand cards with barcodes may wait in a busy server's queue for ten seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Sends requests to one server.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    base: Url,
}

/// A request.
pub struct Call {
    /// `GET`, `POST` or `DELETE`.
    pub method: Method,
    /// The path's segments, as they are: they are encoded here.
    pub path: Vec<String>,
    /// What follows the path.
    pub query: Vec<(&'static str, String)>,
    /// A JSON body.
    pub body: Option<Value>,
    /// Headers besides those every request has.
    pub headers: Vec<(&'static str, String)>,
}

/// A response, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// By which the server's log knows the request.
    pub request_id: Option<String>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// No response came, or not all of it; whether the request was carried out is unknown.
#[derive(Debug)]
pub struct Lost(String);

/// On whose behalf a request is sent.
enum Authorization<'a> {
    None,
    Client(&'a Access),
    Bearer(&'a HeaderValue),
}

impl Call {
    /// A request without a body.
    pub fn new<const N: usize>(method: Method, path: [&str; N]) -> Self {
        let path = path.map(str::to_owned).to_vec();
        Self { method, path, query: Vec::new(), body: None, headers: Vec::new() }
    }

    /// A request that reads.
    pub fn get<const N: usize>(path: [&str; N]) -> Self {
        Self::new(Method::GET, path)
    }

    /// A request that sends a JSON body.
    pub fn post<const N: usize>(path: [&str; N], body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }

    /// With one more thing in the query, if there is a value.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Where it goes on a server with this URL.
    pub fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

impl Answer {
    /// Whether the request was carried out.
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// The body of a request that was carried out; what the server said instead is an error.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        if !self.is_ok() {
            return Err(refused(self));
        }
        serde_json::from_slice(&self.body).context("the server answered with something else than expected")
    }
}

impl Lost {
    /// As an error of a command that does not try again.
    pub fn into_error(self) -> anyhow::Error {
        Failure::new(Exit::Unreachable, self.0).into()
    }
}

impl Http {
    /// A server on the network, known by its URL.
    pub fn to_url(url: &str) -> Result<Self> {
        let base = Url::parse(url).map_err(|fault| usage(format!("{url}: {fault}")))?;
        let mut builder = builder();
        match base.scheme() {
            "https" => {}
            // Reading the machine's certificates takes a while, and fails where there are none.
            "http" => builder = builder.tls_certs_only([]),
            _ => return Err(usage(format!("{url} must begin with http:// or https://"))),
        }
        let is_local = base.host_str().is_some_and(|host| host == "localhost" || host == "127.0.0.1");
        if is_local {
            builder = builder.no_proxy();
        }
        Ok(Self { client: builder.build()?, base })
    }

    /// A server on this machine, known by its socket.
    pub fn to_socket(socket: &Path) -> Result<Self> {
        let builder = builder().tls_certs_only([]).no_proxy().unix_socket(socket);
        let base = Url::parse("http://localhost")?;
        Ok(Self { client: builder.build()?, base })
    }

    /// The server's URL, with no slash at its end.
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Sends a request and waits for the whole response.
    pub async fn send(&self, call: &Call) -> Result<Answer, Lost> {
        self.send_as(call, Authorization::None).await
    }

    async fn send_as(&self, call: &Call, authorization: Authorization<'_>) -> Result<Answer, Lost> {
        let url = call.url(&self.base);
        let mut request = self.client.request(call.method.clone(), url);
        request = match authorization {
            Authorization::None => request,
            Authorization::Bearer(header) => request.header(AUTHORIZATION, header),
            Authorization::Client(access) => {
                request.basic_auth(&access.client_id, Some(access.secret.expose()))
            }
        };
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let lost = |error: reqwest::Error| Lost(format!("{}: {}", self.base(), causes(&error)));
        let response = request.send().await.map_err(lost)?;
        let text = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let status = response.status().as_u16();
        let (request_id, retry_after) = (text("x-request-id"), text("retry-after"));
        let retry_after = retry_after.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let body = response.bytes().await.map_err(lost)?.to_vec();
        Ok(Answer { status, request_id, retry_after, body })
    }
}

fn builder() -> reqwest::ClientBuilder {
    let agent = concat!("gavekort/", env!("CARGO_PKG_VERSION"));
    // An answer of ours never sends anybody elsewhere, and credentials do not follow one that does.
    let builder = reqwest::Client::builder().user_agent(agent).redirect(reqwest::redirect::Policy::none());
    builder.connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT)
}

/// What went wrong, from its outermost to its innermost cause: only the last one tells people anything.
fn causes(error: &reqwest::Error) -> String {
    let mut text = match (error.is_connect(), error.is_timeout()) {
        (_, true) => "no answer in time".to_owned(),
        (true, _) => "cannot connect".to_owned(),
        _ => "the connection was lost".to_owned(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        cause = error.source();
        if cause.is_none() {
            text.push_str(&format!(" ({error})"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segments_and_queries_are_encoded() {
        let base = Url::parse("http://127.0.0.1:1/base/").expect("a URL");
        let call = Call::get(["v1", "accounts", "a/b c"]).query("q", Some("æ&")).query("none", None::<u32>);
        assert_eq!(call.url(&base).as_str(), "http://127.0.0.1:1/base/v1/accounts/a%2Fb%20c?q=%C3%A6%26");
        assert!(Http::to_url("ftp://x").is_err() && Http::to_url("x").is_err());
    }
}
