//! `GET|POST /accounts`: the accounts of this server.

use std::sync::Arc;

use axum::extract::State;
use domain::{Account, Aid, ClientId, Currency, Mode, Name, Timestamp};
use serde_json::{Value, json};
use service::{FirstClient, NewAccount, Present, SECRET_CHARACTERS_MIN};

use crate::api::body::{Body, Json};
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{Faults, Flaw, SecretText, Shown, Text, answer, text_leaf, wire};
use crate::api::{Api, ApiSettings};

const PATH: &str = "/accounts";

impl Text for Mode {
    fn parse(text: &str) -> Result<Self, Flaw> {
        let modes = [Self::Test, Self::Production];
        modes.into_iter().find(|mode| mode.letter() == text).ok_or_else(|| Flaw::new("must be T or P"))
    }

    fn describe(object: utoipa::openapi::ObjectBuilder) -> utoipa::openapi::ObjectBuilder {
        object.enum_values(Some(["T", "P"]))
    }
}

text_leaf!(Mode);

wire! {
    /// An account that is asked for.
    pub(crate) struct AccountBody as "AccountRequest" {
        /// Its id; a free one is found when absent.
        aid: Aid,
        /// `T` for play money, `P` for real money; where no id says so.
        mode: Mode,
        /// What people call it.
        name: Name [required],
        /// The currency its batch cards show until activation; NOK unless told otherwise.
        default_currency: Currency,
        /// The name its first client authenticates with; made when absent.
        client_id: ClientId,
        /// The first client's secret, 32 characters at least; made when absent.
        client_secret: SecretText,
        /// What people call its first client.
        client_name: Name,
    }
}

answer! {
    /// An account.
    pub(crate) struct AccountOut<'a> as "Account" {
        /// Its id.
        aid: Aid,
        /// What people call it.
        name: &'a str,
        /// The currency its batch cards show until activation.
        default_currency: Currency,
        /// When it was made.
        created_at: Timestamp,
    }
}

answer! {
    /// An account that was made, in the one answer that shows its first client's secret.
    pub(crate) struct MadeAccountOut<'a> as "AccountWithClient" {
        ..account: AccountOut<'a>,
        /// The name its first client authenticates with.
        client_id: &'a ClientId,
        /// The first client's secret.
        client_secret: Shown<'a>,
    }
}

pub(crate) fn list() -> Operation {
    Operation::get(PATH, handle_list)
        .named("listAccounts", "operator", "List accounts", "Every account of this server, oldest first.")
        .answers::<[AccountOut]>(Value::Array(vec![examples::account()]))
        .stored()
}

pub(crate) fn create() -> Operation {
    Operation::post(PATH, handle_create)
        .named(
            "createAccount",
            "operator",
            "Create an account",
            "With a first client that holds every scope.",
        )
        .body::<AccountBody>(json!({"mode": "T", "name": "The flower shop"}))
        .answers::<MadeAccountOut>(examples::made_account())
        .changing()
}

impl Body for AccountBody {
    type Request = (NewAccount, AskedClient);

    fn build(self, _: &Present, faults: &mut Faults) -> Option<Self::Request> {
        let secret = self.client_secret;
        if secret
            .as_ref()
            .is_some_and(|SecretText(secret)| secret.expose().chars().count() < SECRET_CHARACTERS_MIN)
        {
            faults.add_at("client_secret", format!("must be at least {SECRET_CHARACTERS_MIN} characters"));
        }
        if self.aid.is_none() && self.mode.is_none() && faults.is_clean_at(&["aid", "mode"]) {
            faults.add_at("mode", "or aid is required");
        }
        let mode = self.aid.map(Aid::mode).or(self.mode);
        let new = NewAccount {
            aid: self.aid,
            mode: mode?,
            name: self.name?.as_str().to_owned(),
            default_currency: self.default_currency.unwrap_or(Currency::NOK),
        };
        Some((new, AskedClient { client_id: self.client_id, secret, name: self.client_name }))
    }
}

/// What was said of the first client.
pub(crate) struct AskedClient {
    client_id: Option<ClientId>,
    secret: Option<SecretText>,
    name: Option<Name>,
}

async fn handle_list(State(api): State<Arc<Api>>) -> Result<Reply, ApiError> {
    let accounts = api.service.accounts().await?;
    Reply::of(&accounts.iter().map(AccountOut::from).collect::<Vec<_>>())
}

async fn handle_create(
    State(api): State<Arc<Api>>,
    Json((new, asked)): Json<AccountBody>,
) -> Result<Reply, ApiError> {
    refuse_in_the_open(&api.settings, &new)?;
    let name = match asked.name {
        Some(name) => name,
        None => Name::try_from("First client").map_err(|_| ApiError::internal())?,
    };
    let made = api.service.make_first_client(name);
    let first = FirstClient {
        client_id: asked.client_id.unwrap_or(made.client_id),
        secret: asked.secret.map_or(made.secret, |SecretText(secret)| secret),
        name: made.name,
    };
    let account = api.service.create_account(&new, &first, false).await?;
    let account = account.ok_or_else(ApiError::internal)?;
    Reply::of(&MadeAccountOut::new(&account, &first))
}

/// Real money goes over no wire that others can listen to.
fn refuse_in_the_open(settings: &ApiSettings, new: &NewAccount) -> Result<(), ApiError> {
    if !settings.is_exposed || new.mode == Mode::Test {
        return Ok(());
    }
    let why = "no production account is made while the API is served beyond this machine without HTTPS: serve it \
               with a certificate, on a loopback address, or behind a proxy that does HTTPS";
    Err(ApiError::invalid(why).at([if new.aid.is_some() { "aid" } else { "mode" }]))
}

impl<'a> From<&'a Account> for AccountOut<'a> {
    fn from(account: &'a Account) -> Self {
        let (name, created_at) = (account.name.as_str(), account.created_at);
        Self { aid: account.aid, name, default_currency: account.settings.default_currency, created_at }
    }
}

impl<'a> MadeAccountOut<'a> {
    pub(crate) fn new(account: &'a Account, first: &'a FirstClient) -> Self {
        let account = AccountOut::from(account);
        Self { account, client_id: &first.client_id, client_secret: Shown(&first.secret) }
    }
}
