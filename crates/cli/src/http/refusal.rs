//! What a server's refusal means for the one who called.

use std::fmt::Write as _;

use serde::Deserialize;

use super::Answer;
use crate::exit::{Exit, Failure};
use crate::output::printable;

/// Faults shown one by one; a batch may have a thousand.
const FAULTS_SHOWN: usize = 5;

#[derive(Default, Deserialize)]
struct Body {
    error: Told,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    message: String,
    code: String,
    errors: Vec<Fault>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    message: String,
    path: Vec<serde_json::Value>,
}

/// The error that an answer other than 200 is, with its exit code.
pub fn refused(answer: &Answer) -> anyhow::Error {
    let told = serde_json::from_slice::<Body>(&answer.body).unwrap_or_default().error;
    let mut text = match told.message.as_str() {
        "" => format!("the server answered {}", answer.status),
        message => format!("{} ({})", printable(message), printable(&told.code)),
    };
    if let Some(id) = answer.request_id.as_ref().filter(|_| answer.status >= 500) {
        let _infallible = write!(text, ", request id {}", printable(id));
    }
    let faults = match told.errors.as_slice() {
        [only] if says_it_all(&told.message, only) => &[],
        faults => faults,
    };
    for fault in faults.iter().take(FAULTS_SHOWN) {
        let _infallible = write!(text, "\n  {}: {}", shown_path(&fault.path), printable(&fault.message));
    }
    if let Some(more) = faults.len().checked_sub(FAULTS_SHOWN).filter(|more| *more > 0) {
        let _infallible = write!(text, "\n  and {more} more");
    }
    Failure::new(exit(answer.status, &told.code), text).into()
}

/// Whether the message of the whole tells a single fault and its place already.
fn says_it_all(message: &str, fault: &Fault) -> bool {
    message.ends_with(&fault.message) && (fault.path.len() < 2 || message != fault.message)
}

fn exit(status: u16, code: &str) -> Exit {
    match (status, code) {
        (401 | 403, _) => Exit::Auth,
        (404, _) => Exit::NotFound,
        (400, "INVALID_REQUEST") => Exit::Usage,
        (400 | 409, _) => Exit::Declined,
        (429 | 503, _) | (500, "OUTCOME_UNKNOWN") => Exit::RetryLater,
        _ => Exit::Failure,
    }
}

/// `["cards", 3, "card_id"]` as `cards.3.card_id`.
fn shown_path(path: &[serde_json::Value]) -> String {
    let text = |part: &serde_json::Value| part.as_str().map_or_else(|| part.to_string(), printable);
    if path.is_empty() { "body".to_owned() } else { path.iter().map(text).collect::<Vec<_>>().join(".") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, request_id: None, retry_after: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn each_refusal_has_its_exit_code() {
        let coded = |code: &str| format!(r#"{{"error":{{"message":"no","code":"{code}"}}}}"#);
        for (status, code, expected) in [
            (400, "INVALID_REQUEST", Exit::Usage),
            (400, "CARD_NOT_INACTIVE", Exit::Declined),
            (401, "UNAUTHORIZED", Exit::Auth),
            (403, "FORBIDDEN", Exit::Auth),
            (404, "CARD_NOT_FOUND", Exit::NotFound),
            (409, "CARD_ID_TAKEN", Exit::Declined),
            (429, "TOO_MANY_TRIES", Exit::RetryLater),
            (500, "INTERNAL", Exit::Failure),
            (500, "OUTCOME_UNKNOWN", Exit::RetryLater),
            (503, "OVERLOADED", Exit::RetryLater),
        ] {
            assert_eq!(exit::of(&refused(&answer(status, &coded(code)))), expected, "{status} {code}");
        }
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let body = r#"{"error":{"message":"bad","code":"INVALID_REQUEST",
            "errors":[{"code":"X","message":"must not be empty","path":["cards",3,"card_id"]}]}}"#;
        let text = refused(&answer(400, body)).to_string();
        assert_eq!(text, "bad (INVALID_REQUEST)\n  cards.3.card_id: must not be empty");
        let one = |message: &str, path: &str| {
            let body = format!(
                r#"{{"error":{{"message":"{message}","code":"C","errors":[{{"message":"taken","path":{path}}}]}}}}"#
            );
            refused(&answer(400, &body)).to_string()
        };
        assert_eq!(one("taken", "[]"), "taken (C)", "once is enough");
        assert_eq!(one("card_id: taken", r#"["cards",3,"card_id"]"#), "card_id: taken (C)");
        assert_eq!(one("taken", r#"["cards",3,"card_id"]"#), "taken (C)\n  cards.3.card_id: taken");
        assert_eq!(refused(&answer(502, "<html>")).to_string(), "the server answered 502");
    }
}
