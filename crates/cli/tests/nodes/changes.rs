//! What is changed on one node holds there at once, and on the others within five seconds.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ACCOUNT, Api, gavekort, run};
use crate::support::{MASTER_KEY, Nodes, SEEN_WITHIN, within};

/// A client of the account that may read cards, with a token of its own on every node.
struct Reader {
    id: String,
    client_id: String,
    secret: String,
    grant: String,
    apis: Vec<Api>,
}

impl Reader {
    fn new(nodes: &Nodes, name: &str) -> Self {
        let admin = &nodes.apis()[0];
        let made = admin.post("auth/clients", &json!({"name": name})).ok();
        let text = |value: &Value, name: &str| value[name].as_str().expect("a text").to_owned();
        let audience = format!("https://localhost/v1/accounts/{ACCOUNT}");
        let grant = json!({"client_id": made["id"], "audience": audience, "scope": ["read:wallets"]});
        let grant = text(&admin.post("auth/client-grants", &grant).ok(), "id");
        let (id, client_id) = (text(&made, "id"), text(&made, "client_id"));
        let secret = text(&made, "client_secret");
        let api = Api::new(&nodes.servers[0].url, ACCOUNT, &client_id, &secret);
        let apis = nodes.everywhere(&api);
        // What is made holds everywhere, too.
        within(SEEN_WITHIN, "the client is known", || reads(&apis) == [200; 3]);
        Self { id, client_id, secret, grant, apis }
    }

    fn tokens(&self, nodes: &Nodes, secret: &str) -> Vec<u16> {
        let ask = |url: &str| Api::ask_for_token(url, ACCOUNT, &self.client_id, secret).status;
        nodes.servers.iter().map(|server| ask(&server.url)).collect()
    }
}

fn reads(apis: &[Api]) -> Vec<u16> {
    apis.iter().map(|api| api.get("wallets/cards").status).collect()
}

fn send(api: &Api, method: Method, path: &str, body: Option<&Value>) -> Value {
    api.try_send(method, path, body, &[]).expect("an answer").ok()
}

#[test]
fn clients_secrets_grants_settings_and_keys_hold_on_every_node() {
    let nodes = Nodes::start(3);
    let admin = nodes.apis();

    let deleted = Reader::new(&nodes, "deleted");
    send(&admin[0], Method::DELETE, &format!("auth/clients/{}", deleted.id), None);
    assert_eq!(deleted.apis[0].get("wallets/cards").status, 401, "at once where it was done");
    within(SEEN_WITHIN, "a deleted client is refused", || reads(&deleted.apis) == [401; 3]);
    assert_eq!(deleted.tokens(&nodes, &deleted.secret), [401; 3]);

    let rotated = Reader::new(&nodes, "rotated");
    let path = format!("auth/clients/{}/rotate-secret", rotated.id);
    let new = send(&admin[1], Method::POST, &path, Some(&json!({})));
    let new = new["client_secret"].as_str().expect("a secret");
    assert_eq!(rotated.apis[1].get("wallets/cards").status, 401, "at once where it was done");
    within(SEEN_WITHIN, "the old secret's tokens are refused", || reads(&rotated.apis) == [401; 3]);
    assert_eq!(rotated.tokens(&nodes, new), [200; 3]);
    assert_eq!(rotated.tokens(&nodes, &rotated.secret), [401; 3]);

    let changed = Reader::new(&nodes, "changed");
    let path = format!("auth/client-grants/{}", changed.grant);
    send(&admin[2], Method::PATCH, &path, Some(&json!({"scope": ["read:accounts"]})));
    assert_eq!(changed.apis[2].get("wallets/cards").status, 401, "at once where it was done");
    within(SEEN_WITHIN, "another grant's tokens are refused", || reads(&changed.apis) == [401; 3]);

    send(&admin[0], Method::PATCH, "settings", Some(&json!({"reversal_minutes": 7})));
    let minutes = |api: &Api| api.get("settings").ok()["reversal_minutes"] == 7;
    assert!(minutes(&admin[0]), "at once where it was done");
    within(SEEN_WITHIN, "a setting is known", || admin.iter().all(minutes));

    let kids = |api: &Api| {
        let keys = api.get("auth/keys").ok();
        keys.as_array().expect("keys").iter().map(|key| key["kid"].to_string()).collect::<Vec<_>>()
    };
    let before = kids(&admin[0]);
    let mut rotate = gavekort(["key", "rotate", "test"]);
    rotate.env("GAVEKORT_DATABASE_URL", &nodes.url).env("GAVEKORT_MASTER_KEY", MASTER_KEY);
    run(&mut rotate).expect_code(0);
    within(SEEN_WITHIN, "a new signing key is known", || {
        admin.iter().all(|api| kids(api).len() == before.len() + 1)
    });
    assert_eq!(reads(&admin), [200; 3], "what the old one signed still counts");
    for server in &nodes.servers {
        assert_eq!(reads(&nodes.everywhere(&server.api())), [200; 3]);
    }
}
