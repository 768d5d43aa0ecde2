//! Who guesses has no more tries on many nodes than on one.

use serde_json::json;

use crate::common::{ACCOUNT, Api, CLIENT_ID, CLIENT_SECRET};
use crate::support::{Nodes, SEEN_WITHIN, within};

const SECRETS: usize = 10;
const TOKENS: usize = 50;
const PINS: usize = 5;

#[test]
fn wrong_secrets_and_unknown_tokens_are_counted_on_all_nodes_together() {
    let nodes = Nodes::start(3);
    let apis = nodes.apis();
    let ask = |place: usize, secret| {
        let url = &nodes.servers[place % 3].url;
        Api::ask_for_token(url, ACCOUNT, CLIENT_ID, secret).status
    };
    for place in 0..SECRETS {
        assert_eq!(ask(place, "a-wrong-secret"), 401);
    }
    within(SEEN_WITHIN, "the right secret has to wait, too", || {
        (0..3).all(|place| ask(place, CLIENT_SECRET) == 429)
    });

    let look = |place: usize| apis[place % 3].post("wallets/info", &json!({"token": format!("no-{place}")}));
    for place in 0..TOKENS {
        assert_eq!(look(place).code(), "CARD_NOT_FOUND");
    }
    apis[0].batch(&["card"]);
    within(SEEN_WITHIN, "a token has to wait", || {
        // What waits is not counted. Where it does not wait yet it is, and brings the end nearer.
        (0..3).all(|place| look(place).code() == "TOO_MANY_TRIES")
    });
}

#[test]
fn wrong_pins_are_counted_on_all_nodes_together_and_at_once() {
    let nodes = Nodes::start(3);
    let apis = nodes.apis();
    let card = &apis[0].batch(&["card"])[0];
    let body = json!({"amount": 100, "currency": "NOK"});
    apis[0].post("wallets/cards/card/activate", &body).ok();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let token = text(&card["card_token"]["token"]["value"]);
    let pin = text(&card["pin"]["pin"]["value"]);
    let wrong = if pin == "111111" { "222222" } else { "111111" };
    let look =
        |place: usize, pin: &str| apis[place % 3].post("wallets/info", &json!({"token": token, "pin": pin}));
    for place in 0..PINS {
        assert_eq!(look(place, wrong).code(), "PIN_INVALID");
    }
    for place in 0..3 {
        let waits = look(place, &pin);
        assert_eq!((waits.status, waits.code()), (429, "PIN_LOCKED"));
    }
}
