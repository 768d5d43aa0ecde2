//! What a database that servers share says of itself, and whether the key is its own.

use domain::Clock as _;
use service::{MASTER_KEY_CHECK, Secret, SystemClock};
use store::{PostgresInspected, PostgresStore};

use super::Finding;
use crate::place::Place;
use crate::serve::{master_key, open};
use crate::settings::Server;

/// Each server judges dates and lives by its own clock; the database's stands for the others.
const APART_MS_MAX: u64 = 2_000;

pub async fn findings(url: &Secret, settings: &Server) -> Vec<Finding> {
    match PostgresStore::inspect(url.expose(), MASTER_KEY_CHECK).await {
        Ok(seen) => vec![schema(&seen), clock(&seen), key(&seen, settings)],
        Err(error) => {
            let advice = "see whether the database runs, and whether the URL names it";
            vec![Finding::error("database", error.to_string(), advice)]
        }
    }
}

fn schema(seen: &PostgresInspected) -> Finding {
    let check = "database";
    match seen.schema {
        Some(schema) => Finding::ok(check, format!("schema {schema}, PostgreSQL {}", seen.server)),
        None => {
            let message = format!("PostgreSQL {} holds no schema yet", seen.server);
            Finding::warning(check, message, "the first server that starts makes it")
        }
    }
}

fn clock(seen: &PostgresInspected) -> Finding {
    let (check, apart_ms) = ("clock", SystemClock.now().unix_ms().abs_diff(seen.now.unix_ms()));
    if apart_ms > APART_MS_MAX {
        let message = format!("this clock and the database's are {apart_ms} ms apart");
        return Finding::warning(
            check,
            message,
            "set both, by NTP: dates of cards and lives of tokens go by them",
        );
    }
    Finding::ok(check, "this clock and the database's agree")
}

fn key(seen: &PostgresInspected, settings: &Server) -> Finding {
    let check = "master key";
    let given = match master_key::given(settings.master_key.as_ref()) {
        Ok(given) => given,
        Err(error) => return Finding::error(check, error.to_string(), "no server starts without it"),
    };
    match &seen.value {
        Some(kept) if given.is_of(kept) => {
            Finding::ok(check, "the key is the one this database was made with")
        }
        Some(_) => {
            let place = Place::Database(Secret::new(String::new()));
            Finding::error(check, "this is not the key the database was made with", open::wrong_key(&place))
        }
        None => Finding::ok(check, "the database will be made with this key"),
    }
}
