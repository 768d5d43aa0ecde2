//! Reading bodies: typed first, and taken apart only where that fails.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use domain::Aid;
use percent_encoding::percent_decode_str;
use service::{Idempotency, Present};

use super::error::Code;
use super::intake::{Share, limit_of, receive};
use super::wire::{Faults, Parameters, QueryPairs, Tree, Wire, tree};
use super::{Api, ApiError, access, idempotency};

/// A body, and what the service takes of it.
pub(crate) trait Body: Wire + Default {
    /// What the service takes.
    type Request: Send + 'static;

    /// Whether a request without a body means an empty object.
    const MAY_BE_EMPTY: bool = false;

    /// Judges the rules across fields, and makes the request where nothing is wrong.
    ///
    /// Also called for what could be read of a faulty body, so that its other faults are told at once.
    fn build(self, present: &Present, faults: &mut Faults) -> Option<Self::Request>;
}

/// What a JSON body asks for.
pub(crate) struct Json<B: Body>(pub(crate) B::Request);

impl<B: Body> FromRequest<Arc<Api>> for Json<B> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let (text, _share) = read_json::<B>(api, &parts, body).await?;
        understand::<B>(api, access::aid_of(&parts).ok(), text).await.map(|(request, _)| Self(request))
    }
}

/// What a JSON body asks for, and the key under which its answer can be had again.
pub(crate) struct Keyed<B: Body> {
    pub(crate) request: B::Request,
    pub(crate) idempotency: Option<Idempotency>,
}

impl<B: Body> FromRequest<Arc<Api>> for Keyed<B> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let key = idempotency::key(&parts.headers)?;
        let path = super::path::path_values(&mut parts).await?;
        let (text, _share) = read_json::<B>(api, &parts, body).await?;
        let (request, text) = understand::<B>(api, access::aid_of(&parts).ok(), text).await?;
        let idempotency = match key {
            Some(key) => Some(Idempotency { key, canonical: canonical(api, path, text).await? }),
            None => None,
        };
        Ok(Self { request, idempotency })
    }
}

/// What was asked for, so written that equal JSON is equal. It takes a tree, and so a turn.
async fn canonical(api: &Arc<Api>, path: Vec<(String, String)>, text: String) -> Result<Vec<u8>, ApiError> {
    let _turn = api.reading.acquire().await.map_err(|_| ApiError::internal())?;
    let canonical = tokio::task::spawn_blocking(move || idempotency::canonical(&path, &text)).await;
    let canonical = canonical.map_err(|_| ApiError::internal())?;
    canonical.ok_or_else(|| ApiError::invalid("the body is nested too deeply to be repeated under a key"))
}

/// What a query string asks for.
pub(crate) struct Query<Q>(pub(crate) Q);

impl<Q: Parameters> FromRequestParts<Arc<Api>> for Query<Q> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, ApiError> {
        let mut faults = Faults::default();
        let read = Q::read(&QueryPairs(pairs(&parts.uri)?), &mut faults);
        if faults.is_empty() { Ok(Self(read)) } else { Err(ApiError::of_faults(faults)) }
    }
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, ApiError> {
    // The reader below would put replacement characters there, and look for something else than was asked for.
    if percent_decode_str(uri.query().unwrap_or_default()).decode_utf8().is_err() {
        return Err(ApiError::invalid("the query string is not UTF-8"));
    }
    let pairs = axum::extract::Query::try_from_uri(uri);
    pairs
        .map(|axum::extract::Query(pairs)| pairs)
        .map_err(|_| ApiError::invalid("the query string is malformed"))
}

/// The text of a body that must be JSON.
async fn read_json<'a, B: Body>(
    api: &'a Api,
    parts: &Parts,
    body: HttpBody,
) -> Result<(String, Share<'a>), ApiError> {
    let (limit, kind) = (limit_of(parts)?, content_type(&parts.headers));
    if kind.as_deref() == Some("application/json") {
        return receive(&api.room, limit, body).await;
    }
    if !B::MAY_BE_EMPTY || kind.is_some() {
        return Err(not_json());
    }
    let (text, share) = receive(&api.room, limit, body).await?;
    if text.is_empty() { Ok(("{}".to_owned(), share)) } else { Err(not_json()) }
}

/// What the body is said to be, without parameters and in small letters; everything, where that is more than one.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(CONTENT_TYPE).iter().map(|line| {
        let line = line.to_str().unwrap_or_default();
        line.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    });
    lines.reduce(|all, line| format!("{all}, {line}"))
}

fn not_json() -> ApiError {
    ApiError::new(Code::UnsupportedMediaType, "the content type must be application/json")
}

/// Reads the text as typed fields; where that fails, says everything that is wrong with it.
pub(crate) async fn understand<B: Body>(
    api: &Arc<Api>,
    aid: Option<Aid>,
    text: String,
) -> Result<(B::Request, String), ApiError> {
    let present = api.service.present(aid);
    if let Some(draft) = typed::<B>(&text) {
        return Ok((finish(draft, &present, Faults::default())?, text));
    }
    // A tree takes much more room than its text: only so many at once.
    let _turn = api.reading.acquire().await.map_err(|_| ApiError::internal())?;
    let faulty = tokio::task::spawn_blocking(move || faults_of::<B>(&text, &present)).await;
    Err(faulty.map_err(|_| ApiError::internal())?)
}

/// The fast reader.
fn typed<B: Body>(text: &str) -> Option<B> {
    let mut from = serde_json::Deserializer::from_str(text);
    let draft = B::take(&mut from).ok()?;
    from.end().ok().map(|()| draft)
}

fn finish<B: Body>(draft: B, present: &Present, mut faults: Faults) -> Result<B::Request, ApiError> {
    let request = draft.build(present, &mut faults);
    if !faults.is_empty() {
        return Err(ApiError::of_faults(faults));
    }
    request.ok_or_else(|| ApiError::invalid("the body does not fit this operation"))
}

/// The slow reader, for a body that the fast one refused.
fn faults_of<B: Body>(text: &str, present: &Present) -> ApiError {
    let mut faults = Faults::default();
    let value = match tree(text, &mut faults) {
        Tree::Grown(value) => value,
        Tree::NotJson { line, column } => {
            return ApiError::invalid(format!(
                "the body is not JSON, or nested too deeply: line {line}, column {column}"
            ));
        }
        Tree::TooMany => return ApiError::invalid("the body has faults, and too many values to say where"),
    };
    let draft = B::read(&value, &mut faults).unwrap_or_default();
    match finish(draft, present, faults) {
        Err(error) => error,
        Ok(_) => ApiError::invalid("the body does not fit this operation"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::{account, auth, cards, info, operator, transactions};

    fn is_read_slowly<B: Body>(text: &str) -> bool {
        let mut faults = Faults::default();
        let Tree::Grown(value) = tree(text, &mut faults) else {
            return false;
        };
        B::read(&value, &mut faults).is_some() && faults.is_empty()
    }

    /// The places of every value in `value`, as JSON pointers.
    fn places(value: &Value, here: &str, found: &mut Vec<String>) {
        found.push(here.to_owned());
        match value {
            Value::Object(object) => {
                object.iter().for_each(|(name, value)| places(value, &format!("{here}/{name}"), found));
            }
            Value::Array(list) => {
                list.iter()
                    .enumerate()
                    .for_each(|(index, value)| places(value, &format!("{here}/{index}"), found));
            }
            _ => {}
        }
    }

    fn odd_values() -> Vec<Value> {
        let texts =
            ["", "x", " x", "x ", "\0", "a\nb", ".", "NOK", "2030-01-01T00:00:00Z", "gift_card", "true"];
        let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
        values.extend([json!(null), json!(true), json!(0), json!(1), json!(-1), json!(1.5), json!(1.0)]);
        values.extend([json!(10_000_000_000_000_i64), json!(u64::MAX), json!(1e300), json!("x".repeat(256))]);
        values.extend([json!([]), json!({}), json!([1]), json!({"a": {"b": [null]}}), json!(["x"])]);
        values
    }

    /// Whether both readers agree about `example` with any one value replaced, taken away or doubled.
    fn check<B: Body>(example: &Value) {
        assert!(typed::<B>(&example.to_string()).is_some(), "{example}");
        let mut all = Vec::new();
        places(example, "", &mut all);
        let agree = |text: &str| {
            let fast = typed::<B>(text).is_some();
            assert_eq!(fast, is_read_slowly::<B>(text), "fast {fast}: {text}");
        };
        for place in &all {
            for odd in odd_values() {
                let mut changed = example.clone();
                *changed.pointer_mut(place).expect("a place") = odd;
                agree(&changed.to_string());
            }
            let Some((above, name)) = place.rsplit_once('/') else { continue };
            let mut changed = example.clone();
            if let Some(object) = changed.pointer_mut(above).and_then(Value::as_object_mut) {
                let value = object.shift_remove(name).expect("a field");
                agree(&changed.to_string());
                let mark = json!({"mark": value}).to_string();
                let doubled = format!("{},{}", &mark[1..mark.len() - 1].replace("mark", name), r#""mark":0"#);
                let mut marked = example.clone();
                marked.pointer_mut(above).expect("a place")["mark"] = json!(0);
                agree(&marked.to_string().replacen("\"mark\":0", &doubled, 1));
            }
        }
    }

    fn card() -> Value {
        json!({
            "card_id": "a", "type": "gift_card", "name": "n", "customer_id": "c", "originated_by": "o",
            "metadata": {"a": [1, {"b": "c"}]}, "active_from": "2030-01-01T00:00:00Z",
            "expires_at": "2031-01-01T00:00:00+01:00", "unknown": [{"a": 1}],
        })
    }

    fn with(mut base: Value, more: Value) -> Value {
        base.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        base
    }

    fn codes() -> Value {
        let format = json!({
            "length": 20, "prefix": "P", "symbols": true, "numbers": false, "characters": null, "barcode": true,
            "qr": true,
        });
        let token = json!({"format": format, "expires_after_transaction": true, "expires_in": 60});
        json!({"pin": {"format": format}, "card_token": token})
    }

    #[test]
    fn both_readers_agree_about_every_body() {
        let money = json!({"amount": 1, "currency": "NOK"});
        check::<cards::batch::BatchBody>(&json!({"cards": [card(), {"card_id": "b"}], "options": codes()}));
        check::<cards::create::CreateBody>(&with(with(card(), codes()), money.clone()));
        let token =
            json!({"card_token": {"expires_in": 1, "expires_after_transaction": false}, "ref_id": "r"});
        check::<cards::activate::ActivateBody>(&with(with(card(), money.clone()), token.clone()));
        check::<cards::rotate_pin::RotateBody>(&codes());
        check::<cards::create_token::TokenBody>(&with(
            codes()["card_token"].clone(),
            json!({"ref_id": "r", "metadata": {}}),
        ));
        let rest = json!({
            "ref_id": "r", "token": "t", "type": "drawdown", "pin": "1", "pending": false, "expires_in": 1,
            "parent_id": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "allow_partial": false,
        });
        check::<transactions::create::TransactionBody>(&with(with(card(), money), rest));
        let following = json!({"ref_id": "r", "amount": 1, "originated_by": "o", "metadata": {"a": 1}});
        check::<transactions::capture::CaptureBody>(&following);
        check::<transactions::void::VoidBody>(&following);
        check::<transactions::reverse::ReverseBody>(&following);
        check::<info::InfoBody>(&json!({"token": "t", "pin": "1"}));
        let audience = "https://cards.example/v1/accounts/T12345678";
        check::<auth::token::TokenBody>(&json!({"grant_type": "client_credentials", "audience": audience}));
        check::<auth::clients::create::CreateBody>(&json!({"name": "n", "description": "d"}));
        check::<auth::clients::change::ChangeBody>(&json!({"name": "n", "description": "d"}));
        check::<auth::clients::rotate_secret::RotateBody>(&json!({"grace_seconds": 60}));
        let scope = json!(["read:wallets", "admin:wallets"]);
        let client = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
        check::<auth::grants::create::CreateBody>(
            &json!({"client_id": client, "audience": audience, "scope": scope}),
        );
        check::<auth::grants::change::ChangeBody>(&json!({"scope": scope}));
        both_readers_agree_about_what_staff_sends();
        check::<operator::accounts::AccountBody>(&json!({
            "aid": "T12345678", "mode": "T", "name": "n", "default_currency": "NOK", "client_id": "c",
            "client_secret": "s", "client_name": "n",
        }));
    }

    fn both_readers_agree_about_what_staff_sends() {
        check::<cards::activate_many::ActivationsBody>(&json!({
            "ref_id": "r", "cards": [with(card(), json!({"amount": 1, "currency": "NOK"}))],
        }));
        check::<cards::adjust::AdjustBody>(&json!({
            "ref_id": "r", "amount": -1, "currency": "NOK", "reason_code": "c", "note": "n",
        }));
        check::<cards::block::ReasonBody>(&json!({"reason": "r"}));
        check::<cards::change::ChangeBody>(&card());
        check::<cards::replace::ReplaceBody>(&with(
            codes(),
            json!({"ref_id": "r", "card_id": "b", "reason_code": "c"}),
        ));
        check::<account::test_clock::ClockBody>(&json!({"ahead_seconds": 1}));
        check::<account::change_settings::SettingsBody>(&json!({
            "default_currency": "NOK", "pin_policy": "required", "refund_to_expired": "allow",
            "reversal_minutes": 1, "lock_life": 1, "balance_max": 1, "activation_max": null,
            "card_day": {"amount": 1, "count": 1}, "client_day": null, "expiry_months": 1,
            "token": codes()["card_token"],
        }));
    }
}
