//! How the statements find what they read, and that the database adds up by the domain's rule.

use std::sync::OnceLock;

use cluster::{Cluster, sql};
use deadpool_postgres::ClientWrapper;
use domain::{Aid, BatchId, CardType, Currency, Status, Timestamp};
use tokio_postgres::NoTls;

use super::{audit, cards, closing, liability, newest, transactions};
use crate::conditions::{Bound, Way};
use crate::rows::{self, select};
use crate::suite::fixture::{aid, amount, customer, every_card, time};
use crate::tally::{Standing, Tally};
use crate::{CardFilter, CardQuery};

const SCHEMA: &str = include_str!("../../../migrations/postgres/0001_ledger.sql");

const NOW: i64 = 1_760_000_000_000;

/// Cards of every status, made a second apart, each with a token, a few rows, a lock and a line of the audit.
const FILL: &str = "
    INSERT INTO account (aid, name, default_currency, created_at) VALUES ('T00000001', 'a', 'NOK', 0);
    INSERT INTO card (aid, uuid, card_id, batch, type, name, customer_id, metadata, amount, currency, funds, \
        drawdown, reserved, expires_at, activated_at, blocked_at, deleted_at, seq, created_at, changed_at) \
    SELECT 'T00000001', lpad(to_hex(n), 32, '0')::UUID, 'card ' || n, lpad(to_hex(n / 100), 32, '0')::UUID, \
        'gift_card', 'name ' || n, 'customer ' || n / 10, '{}', funds, CASE WHEN n % 7 = 0 THEN 'EUR' ELSE 'NOK' END, \
        funds, drawdown, reserved, CASE WHEN n % 3 > 0 THEN 1760000000000 + n % 3 - 2 END, \
        CASE WHEN n % 4 > 0 THEN n * 86400000 END, CASE WHEN n % 5 = 0 THEN 9000 END, \
        CASE WHEN funds = drawdown AND n % 11 = 0 THEN 9000 END, CASE WHEN n % 4 > 0 THEN 5 ELSE 0 END, \
        n * 1000, n * 1000 \
    FROM (SELECT n, CASE WHEN n % 4 > 0 THEN 100 ELSE 0 END AS funds, \
        CASE n % 4 WHEN 2 THEN 40 WHEN 3 THEN 100 ELSE 0 END AS drawdown, \
        CASE WHEN n % 4 = 1 THEN n % 50 ELSE 0 END AS reserved FROM generate_series(1::BIGINT, 20000) AS n) AS made;
    INSERT INTO card_token (aid, card, uuid, mac, key_version, format, masked_code, single_use, metadata, created_at) \
    SELECT aid, uuid, uuid, decode(lpad(to_hex(created_at), 64, '0'), 'hex'), 1, '36:snc--:', '…', FALSE, '{}', 0 \
    FROM card;
    INSERT INTO card_transaction (aid, card, seq, id, ref_id, type, reason, amount, currency, metadata, created_at, \
        request, asked_operation, balance, available) \
    SELECT aid, uuid, row, gen_random_uuid(), 'row ' || row, 'fund', 'create_card', 1, 'NOK', '{}', created_at + row, \
        uuid, 'create_card', 1, 1 FROM card CROSS JOIN generate_series(1, 5) AS row WHERE seq > 0;
    INSERT INTO card_lock (aid, card, id, remaining, expires_at) \
    SELECT aid, uuid, uuid, reserved, 1760000000000 + (drawdown + amount) * 10 - created_at % 2000 \
    FROM card WHERE reserved > 0;
    INSERT INTO status_change (aid, card, place, at, event, ends_before) \
    SELECT aid, uuid, 1, created_at, 'expires_at', created_at FROM card;
    INSERT INTO audit (aid, at, request, action, subject, subject_id, card) \
    SELECT aid, created_at, uuid, 'create_card', 'card', uuid, uuid FROM card;
    INSERT INTO day_closed (aid, day) SELECT 'T00000001', day FROM generate_series(1, 1000) AS day;
    INSERT INTO closing (aid, day, currency, status, activated, cards, balance, reserved) \
    SELECT aid, day, 'NOK', 'unused', '', 1, 0, 0 FROM day_closed;
    ANALYZE";

struct World {
    url: String,
    _cluster: Cluster,
}

impl World {
    /// One for all tests, which only read.
    fn shared() -> &'static Self {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(Self::new)
    }

    fn new() -> Self {
        let cluster = Cluster::start().expect("a server");
        let url = cluster.create_database().expect("a database");
        sql(&url, SCHEMA).expect("the schema");
        sql(&url, FILL).expect("filled");
        Self { url, _cluster: cluster }
    }

    async fn client(&self) -> ClientWrapper {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.expect("connected");
        let carrying = tokio::spawn(async move {
            let _ended = connection.await;
        });
        ClientWrapper::new(client, carrying)
    }

    /// How a statement finds what it reads, as it is planned for whatever values.
    fn plan(&self, statement: &str) -> String {
        let count = (1..).take_while(|place| statement.contains(&format!("${place}"))).count();
        let nulls = vec!["NULL"; count].join(", ");
        let explain = format!(
            "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; \
             PREPARE asked AS {statement}; EXPLAIN (COSTS OFF) EXECUTE asked ({nulls})"
        );
        lines(&self.url, &explain)
    }

    /// How a statement finds what it reads, as it is planned for its values.
    fn plan_of(&self, statement: &str, values: &[Bound]) -> String {
        let (kinds, values): (Vec<&str>, Vec<String>) = values.iter().map(written).unzip();
        let explain = format!(
            "SET plan_cache_mode = force_custom_plan; PREPARE asked ({}) AS {statement}; \
             EXPLAIN (COSTS OFF) EXECUTE asked ({})",
            kinds.join(", "),
            values.join(", ")
        );
        lines(&self.url, &explain)
    }
}

fn written(bound: &Bound) -> (&'static str, String) {
    match bound {
        Bound::Integer(integer) => ("BIGINT", integer.to_string()),
        Bound::Text(text) => ("TEXT", format!("'{text}'")),
        Bound::Id(id) => ("UUID", format!("'{id}'")),
    }
}

fn lines(url: &str, explain: &str) -> String {
    let rows = sql(url, explain).expect("a plan");
    rows.into_iter().flatten().flatten().collect::<Vec<_>>().join("\n")
}

fn account() -> Aid {
    aid("T00000001")
}

/// Each statement, and the indexes by which it finds its rows.
const KNOWN: [(&str, &[&str]); 22] = [
    (cards::DETAILS, &["card_aid_card_id_key", "card_token_pkey"]),
    (cards::OF_BEARER, &["token_by_mac", "card_pkey"]),
    (cards::OF_CUSTOMER, &["card_by_customer", "card_pkey"]),
    (cards::COUNT_NAMED, &["card_aid_card_id_key", "card_by_name"]),
    (cards::LAPSED_CARDS, &["lock_by_end"]),
    (transactions::BY_ID, &["card_transaction_aid_id_key", "card_pkey"]),
    (transactions::BY_IDS, &["card_transaction_aid_id_key", "card_pkey"]),
    (
        transactions::HISTORY,
        &["card_aid_card_id_key", "card_transaction_pkey", "card_transaction_aid_id_key"],
    ),
    (transactions::WRITTEN_AT, &["card_transaction_aid_id_key"]),
    (transactions::CARD, &["card_aid_card_id_key"]),
    (newest::BY_TIME, &["transaction_by_time"]),
    (newest::OF_CARD, &["card_transaction_pkey"]),
    (newest::BY_REF_ID, &["card_transaction_aid_card_ref_id_key"]),
    (newest::SEQ_AT, &["card_pkey", "card_transaction_pkey"]),
    (audit::BY_TIME, &["audit_by_time"]),
    (audit::OF_CARD, &["audit_by_card"]),
    (audit::BY_PLACES, &["audit_pkey", "card_pkey"]),
    (closing::LAST, &["day_closed_pkey"]),
    (closing::ROWS, &["closing_pkey"]),
    (closing::FIRST_DAY, &["account_pkey"]),
    (closing::FORGET, &["closing_pkey"]),
    (closing::FORGET_DAYS, &["day_closed_pkey"]),
];

#[test]
fn no_read_of_a_request_goes_through_a_table() {
    let world = World::shared();
    for (statement, indexes) in KNOWN {
        let plan = world.plan(statement);
        assert!(!plan.contains("Seq Scan"), "{statement}\n{plan}");
        for index in indexes {
            let ways = [format!(" using {index} "), format!("Bitmap Index Scan on {index}\n")];
            assert!(ways.iter().any(|way| plan.contains(way)), "{index}: {statement}\n{plan}");
        }
        // By the account at least, and never by it alone where a card, a day or an id is named.
        assert!(plan.contains("aid = $1"), "{statement}\n{plan}");
    }
}

#[test]
fn lists_are_read_in_the_order_of_their_index() {
    let world = World::shared();
    let lists = [
        newest::BY_TIME,
        newest::OF_CARD,
        audit::BY_TIME,
        audit::OF_CARD,
        transactions::HISTORY,
        cards::OF_CUSTOMER,
    ];
    for statement in lists {
        let plan = world.plan(statement);
        // What a limit has cut is put in order again.
        let (_, within) = plan.split_once("Limit").expect("a limit");
        assert!(!within.contains("Sort"), "{statement}\n{plan}");
    }
}

/// A filter that names everything.
fn every_filter() -> CardFilter {
    CardFilter {
        status: Some(Status::Unused),
        kind: Some(CardType::GiftCard),
        customer_id: Some(customer("customer 7")),
        currency: Some(Currency::NOK),
        batch: Some(BatchId(uuid::Uuid::from_u128(7))),
        created_from: Some(time(1)),
        created_before: Some(time(NOW)),
        available_from: Some(amount(1)),
        available_to: Some(amount(2)),
        prefix: Some("card 7".to_owned()),
    }
}

fn query(filter: CardFilter) -> CardQuery {
    let starting_after = Some(domain::CardUuid(uuid::Uuid::from_u128(0x400)));
    CardQuery { filter, limit: 100, looks_max: 10_000, starting_after, ..every_card(time(NOW)) }
}

#[test]
fn lists_of_cards_go_through_an_index_in_its_own_order() {
    let world = World::shared();
    for (way, index) in
        [(Way::Age, "card_by_age"), (Way::Customer, "card_by_customer"), (Way::Batch, "card_by_batch")]
    {
        for filter in [every_filter(), CardFilter { prefix: None, ..every_filter() }] {
            let (statement, values) = cards::scan(account(), &query(filter), way);
            let plan = world.plan_of(&statement, &values);
            assert!(plan.contains(&format!(" using {index} on card")), "{plan}");
            assert!(!plan.contains("Seq Scan"), "{plan}");
            let (_, within) = plan.split_once("Limit").expect("a limit");
            assert!(!within.contains("Sort"), "{plan}");
        }
    }
}

#[test]
fn a_prefix_is_found_by_two_ranges() {
    let world = World::shared();
    let (statement, values) = cards::scan(account(), &query(every_filter()), Way::Prefix);
    let plan = world.plan_of(&statement, &values);
    for range in ["card_id >= 'card 7'::text) AND (card_id < 'card 8'", "name >= 'card 7'::text) AND (name <"]
    {
        assert!(plan.contains(range), "{plan}");
    }
    assert!(!plan.contains("Seq Scan"), "{plan}");
}

/// What may have changed since a day was closed is a small part of an account.
#[test]
fn the_window_of_a_past_instant_finds_its_cards_by_indexes() {
    let world = World::shared();
    let values =
        [Bound::Text(account().as_str().to_owned()), Bound::Integer(10_000_000), Bound::Integer(10_100_000)];
    let touched = world.plan_of(liability::TOUCHED, &values);
    for index in [
        "card_by_age",
        "transaction_by_time",
        "status_change_by_time",
        "card_by_end",
        "status_change_by_end",
        "lock_by_end",
    ] {
        assert!(touched.contains(index), "{touched}");
    }
    assert!(!touched.contains("Seq Scan"), "{touched}");
    let window = world.plan_of(liability::WINDOW, &values);
    for table in ["card", "status_change"] {
        assert!(!window.contains(&format!("Seq Scan on {table}")), "{window}");
    }
}

/// The rule stands in the domain; in statements it is said again.
#[tokio::test]
async fn what_the_database_adds_up_is_what_the_cards_add_up_to() {
    let world = World::shared();
    let mut client = world.client().await;
    let owed = liability::now(&mut client, account(), time(NOW)).await.expect("a liability");
    let all = select!(card "WHERE aid = $1 AND deleted_at IS NULL");
    let mut tally = Tally::default();
    for row in client.query(all, &[&account().as_str()]).await.expect("cards") {
        let card = rows::card(&row).expect("a card");
        let lapsed = "SELECT coalesce(sum(remaining), 0)::BIGINT FROM card_lock \
            WHERE aid = $1 AND card = $2 AND expires_at <= $3";
        let lapsed = client.query_one(lapsed, &[&account().as_str(), &card.uuid.0, &NOW]).await;
        let card = card.without_lapsed(amount(lapsed.expect("a sum").get(0)));
        let unix_ms = |at: Timestamp| at.unix_ms();
        let standing = Standing {
            currency: card.currency,
            funds: card.funds.minor_units(),
            drawdown: card.drawdown.minor_units(),
            reserved: card.reserved.minor_units(),
            expires_at: card.dates.expires_at.map(unix_ms),
            activated_at: card.activation.map(|activation| activation.at.unix_ms()),
            is_blocked: card.blocked_at.is_some(),
        };
        tally.put(&standing, NOW);
    }
    assert_eq!(owed, tally.into_liability(time(NOW)));
    let told: std::collections::HashSet<&str> = owed.rows.iter().map(|row| row.status.as_str()).collect();
    assert_eq!(told.len(), Status::ALL.len() - 1, "every status but deleted: {told:?}");
}
