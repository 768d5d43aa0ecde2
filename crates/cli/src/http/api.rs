//! An API client: gets a token for its credentials, sends requests with it, and tries again where that is safe.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::json;
use service::{Secret, deadline};
use tokio::sync::Mutex;

use super::{Answer, Authorization, Call, Http, Lost, refused};
use crate::exit::{self, Exit, Failure};
use crate::random;

/// The first wait before another try; it doubles with each.
const BACK_OFF: Duration = Duration::from_millis(200);
const BACK_OFF_MAX: Duration = Duration::from_secs(10);

/// A token is renewed this long before it ends, so that none ends on the way.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

/// What a client authenticates with, and where.
#[derive(Clone)]
pub struct Access {
    /// The account.
    pub account: String,
    /// The client's name.
    pub client_id: String,
    /// Its secret.
    pub secret: Secret,
    /// Whom the tokens are for; the server's own URL unless that is not how it is known.
    pub audience: Option<String>,
}

/// A server, and a client's access to one account on it.
#[derive(Clone)]
pub struct Api {
    http: Http,
    access: Arc<Access>,
    token: Arc<Mutex<Option<Token>>>,
}

#[derive(Clone)]
struct Token {
    header: HeaderValue,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

/// Why a call that is tried again was given up.
enum Miss {
    Lost(Lost),
    Refused(Answer),
}

impl Api {
    /// A client that has no token yet.
    pub fn new(http: Http, access: Access) -> Self {
        Self { http, access: Arc::new(access), token: Arc::default() }
    }

    /// The account's id.
    pub fn account(&self) -> &str {
        &self.access.account
    }

    /// The client's name.
    pub fn client_id(&self) -> &str {
        &self.access.client_id
    }

    /// The server's URL.
    pub fn base(&self) -> &str {
        self.http.base()
    }

    /// Gets a token, if there is none yet; wrong credentials and a wrong URL show here.
    pub async fn authenticate(&self) -> Result<()> {
        self.token().await.map(|_| ())
    }

    /// The token itself, to be handed to another program.
    pub async fn access_token(&self) -> Result<Secret> {
        let token = self.token().await?;
        let header = token.header.to_str()?;
        Ok(Secret::new(header.trim_start_matches("Bearer ").to_owned()))
    }

    /// Sends a request once. A token that the server no longer takes is renewed first.
    pub async fn send(&self, call: &Call) -> Result<Answer> {
        self.attempt(call).await?.map_err(Lost::into_error)
    }

    /// Sends a request that does nothing twice when it is repeated, until it is answered, refused for good, or
    /// `patience` is over.
    pub async fn send_safely(&self, call: &Call, patience: Duration) -> Result<Answer> {
        let give_up_at = deadline(patience);
        let mut back_off = BACK_OFF;
        loop {
            let miss = match self.attempt(call).await {
                Ok(Ok(answer)) if !is_passing(&answer) => return Ok(answer),
                Ok(Ok(answer)) => Miss::Refused(answer),
                Ok(Err(lost)) => Miss::Lost(lost),
                // The token could not be had; only what may pass is waited for.
                Err(error) if !matches!(exit::of(&error), Exit::Unreachable | Exit::RetryLater) => {
                    return Err(error);
                }
                Err(error) => Miss::Lost(Lost(error.to_string())),
            };
            let wait = miss.wait(back_off);
            if deadline(wait) > give_up_at {
                return Err(miss.into_error());
            }
            tokio::time::sleep(wait).await;
            back_off = (back_off * 2).min(BACK_OFF_MAX);
        }
    }

    /// The outer error is that no token could be had.
    async fn attempt(&self, call: &Call) -> Result<Result<Answer, Lost>> {
        let token = self.token().await?;
        let answer = self.with(&token, call).await;
        if !answer.as_ref().is_ok_and(|answer| answer.status == 401) {
            return Ok(answer);
        }
        self.forget(&token).await;
        let token = self.token().await?;
        Ok(self.with(&token, call).await)
    }

    async fn with(&self, token: &Token, call: &Call) -> Result<Answer, Lost> {
        self.http.send_as(call, Authorization::Bearer(&token.header)).await
    }

    async fn forget(&self, token: &Token) {
        let mut kept = self.token.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.header == token.header) {
            *kept = None;
        }
    }

    async fn token(&self) -> Result<Token> {
        // Held while asking: of many calls at once, one gets the token for all.
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| deadline(Duration::ZERO) < token.renew_at) {
            return Ok(token.clone());
        }
        let token = self.ask_for_token().await?;
        *kept = Some(token.clone());
        Ok(token)
    }

    async fn ask_for_token(&self) -> Result<Token> {
        let access = &self.access;
        let own = || format!("{}/v1/accounts/{}", self.http.base(), access.account);
        let audience = access.audience.clone().unwrap_or_else(own);
        let body = json!({"grant_type": "client_credentials", "audience": audience});
        let call = Call::post(["v1", "accounts", &access.account, "auth", "token"], body);
        let answer =
            self.http.send_as(&call, Authorization::Client(access)).await.map_err(Lost::into_error)?;
        let granted: Granted = answer.read()?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", granted.access_token))?;
        header.set_sensitive(true);
        let life = Duration::from_secs(granted.expires_in).saturating_sub(RENEW_BEFORE);
        Ok(Token { header, renew_at: deadline(life) })
    }
}

impl Miss {
    /// As long as the server asked for, or else a little longer each time; spread, so that many clients do not
    /// come back at once.
    fn wait(&self, back_off: Duration) -> Duration {
        let asked = match self {
            Self::Refused(answer) => answer.retry_after,
            Self::Lost(_) => None,
        };
        let spread = u64::try_from(back_off.as_millis()).unwrap_or(u64::MAX);
        asked.unwrap_or(back_off / 2) + Duration::from_millis(random::below(spread) / 2)
    }

    fn into_error(self) -> anyhow::Error {
        let why = match self {
            Self::Lost(lost) => lost.0,
            Self::Refused(answer) => refused(&answer).to_string(),
        };
        Failure::new(Exit::RetryLater, why).into()
    }
}

/// Whether the same request may be answered otherwise in a while.
fn is_passing(answer: &Answer) -> bool {
    answer.status >= 500 || answer.status == 429
}
