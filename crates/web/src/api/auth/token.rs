//! `POST …/auth/token`: an access token for a client's name and secret.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Audience;
use serde_json::{Value, json};
use service::{Credentials, Present, Secret};

use crate::api::Api;
use crate::api::access::{PathAid, credentials};
use crate::api::body::{Body, content_type, understand};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::intake::{BodyLimit, limit_of, receive};
use crate::api::network::From;
use crate::api::operation::Operation;
use crate::api::wire::{Faults, Flaw, Shown, Text, answer, text_leaf, wire};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Far beyond any such body; who sends it has no access token yet.
const BODY_LIMIT: BodyLimit = BodyLimit::of_kib(16);

/// The one kind of grant there is.
pub(crate) struct ClientCredentials;

impl Text for ClientCredentials {
    fn parse(text: &str) -> Result<Self, Flaw> {
        if text == "client_credentials" { Ok(Self) } else { Err(Flaw::new("must be client_credentials")) }
    }

    fn describe(object: utoipa::openapi::ObjectBuilder) -> utoipa::openapi::ObjectBuilder {
        object.enum_values(Some(["client_credentials"]))
    }
}

text_leaf!(ClientCredentials);

wire! {
    /// What an access token is asked for.
    pub(crate) struct TokenBody as "AccessTokenRequest" {
        /// Always `client_credentials`.
        grant_type: ClientCredentials [required],
        /// The account's URL: `https://host/v1/accounts/{aid}`, or with `{aid}@` before the host.
        audience: Audience [required],
    }
}

answer! {
    /// An access token.
    pub(crate) struct TokenOut<'a> as "AccessToken" {
        /// The token, to be sent as `Authorization: Bearer …`.
        access_token: Shown<'a>,
        /// Always `Bearer`.
        token_type: &'a str,
        /// Seconds it lives.
        expires_in: u32,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/auth/token", handle)
        .named(
            "createAccessToken",
            "auth",
            "Get an access token",
            "Authenticate with HTTP Basic: the client's `client_id` and `client_secret`. The token carries every scope \
             granted to the client for the account. There is no refresh token: ask again when it has expired.",
        )
        .with_basic()
        .body_as::<TokenBody>(
            json!({
                "grant_type": "client_credentials",
                "audience": "https://api.gavekort.example/v1/accounts/T12345678",
            }),
            &[JSON, FORM],
        )
        .body_within(BODY_LIMIT)
        .answers::<TokenOut>(examples::access_token())
        .refuses(Code::Unauthorized, "No client of this name and secret in this account")
        .refuses(Code::Forbidden, "Nothing was granted to the client for this audience")
        .refuses(Code::TooManyTries, "Too many wrong secrets; wait for `Retry-After` seconds")
}

impl Body for TokenBody {
    type Request = Audience;

    fn build(self, _: &Present, _: &mut Faults) -> Option<Audience> {
        self.grant_type?;
        self.audience
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    PathAid(aid): PathAid,
    From(network): From,
    request: Request,
) -> Result<Reply, ApiError> {
    let credentials = basic(request.headers()).ok_or(service::Error::BadCredentials)?;
    let who = api.service.check_credentials(aid, &credentials, network)?;
    let audience = audience(&api, request).await?;
    let token = api.service.issue_access_token(&who, &audience)?;
    let (access_token, token_type) = (Shown(&token.value), "Bearer");
    Reply::with_room(&TokenOut { access_token, token_type, expires_in: token.expires_in }, 2_048)
}

fn basic(headers: &HeaderMap) -> Option<Credentials> {
    let decoded = STANDARD.decode(credentials(headers, "Basic")?).ok()?;
    let pair = String::from_utf8(decoded).ok()?;
    let (client_id, client_secret) = pair.split_once(':')?;
    let client_secret = Secret::new(client_secret.to_owned());
    Some(Credentials { client_id: client_id.to_owned(), client_secret })
}

async fn audience(api: &Arc<Api>, request: Request) -> Result<Audience, ApiError> {
    let (parts, body) = request.into_parts();
    let (limit, kind) = (limit_of(&parts)?, content_type(&parts.headers));
    let (text, _share) = match kind.as_deref() {
        Some(JSON | FORM) => receive(&api.room, limit, body).await?,
        _ => {
            let message = format!("the content type must be {JSON} or {FORM}");
            return Err(ApiError::new(Code::UnsupportedMediaType, message));
        }
    };
    let text = if kind.as_deref() == Some(FORM) { json_of_form(text).await? } else { text };
    understand::<TokenBody>(api, None, text).await.map(|(audience, _)| audience)
}

/// A form as the JSON object it stands for.
async fn json_of_form(form: String) -> Result<String, ApiError> {
    let malformed = || ApiError::invalid("the form is malformed");
    let request = Request::post("/").header(CONTENT_TYPE, FORM).body(form.into()).map_err(|_| malformed())?;
    let pairs = axum::Form::<Vec<(String, String)>>::from_request(request, &()).await;
    let axum::Form(pairs) = pairs.map_err(|_| malformed())?;
    let fields: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{}:{}", Value::from(name), Value::from(value)))
        .collect();
    // Written by hand rather than as a map, so that a field that comes twice is told as one.
    Ok(format!("{{{}}}", fields.join(",")))
}
