//! What a decision needs, in two round trips: the cards and all that is found without them, then the rest.

mod cards;
mod money;

use std::collections::HashMap;

use domain::{
    Account, Aid, CardUuid, Client, ClientUuid, Command, Needs, Order, ReplayKey, Timestamp, World,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::locks::account_lock_key;
use super::query::{Query, Session, params};
use crate::Error;
use crate::rows::{self, Fields, select};

const BEGIN: &str = "BEGIN";

/// Shares the account with every lane of every node, and names this transaction, so that its end can be asked for.
/// An account always has a client, if a deleted one.
const SHARE: &str = "SELECT pg_advisory_xact_lock_shared($2), pg_current_xact_id()::text AS xact \
    FROM api_client WHERE aid = $1 LIMIT 1";

/// Has the account alone, to change what everybody else's orders are judged by.
const HAVE_ALONE: &str = "SELECT pg_advisory_xact_lock($2), pg_current_xact_id()::text AS xact \
    FROM api_client WHERE aid = $1 LIMIT 1";

const ACCOUNT: &str = select!(account "WHERE aid = $1");
const CLIENTS: &str = select!(api_client "WHERE aid = $1 AND uuid = ANY($2)");
const LIVE_CLIENTS: &str = select!(api_client "WHERE aid = $1 AND deleted_at IS NULL");
const GRANTS: &str = select!(client_grant "WHERE aid = $1 ORDER BY client, place");

const REPLAYS: &str = concat!(
    "SELECT found.*, wanted.place FROM unnest($2::uuid[], $3::text[], $4::bytea[]) \
     WITH ORDINALITY AS wanted (wanted_client, wanted_operation, wanted_mac, place) CROSS JOIN LATERAL (",
    select!(idempotency "WHERE aid = $1 AND client = wanted_client AND operation = wanted_operation \
        AND mac = wanted_mac OFFSET 0"),
    ") AS found"
);

/// Every statement that loads something.
#[cfg(test)]
pub fn statements() -> impl Iterator<Item = &'static str> {
    [SHARE, HAVE_ALONE, ACCOUNT, CLIENTS, LIVE_CLIENTS, GRANTS, REPLAYS]
        .into_iter()
        .chain(cards::STATEMENTS)
        .chain(money::STATEMENTS)
}

/// What was loaded of one account, its cards locked.
pub struct Loaded {
    /// What a decision is made on.
    pub world: World,
    /// When the kept answers that were found were made, before a decision put others in their place.
    pub kept: HashMap<ReplayKey, Timestamp>,
    /// The transaction's own name.
    pub xact: String,
}

/// Begins a transaction, locks the cards that `orders` name and loads what they need.
pub async fn world(
    session: &mut Session,
    aid: Aid,
    orders: &[Order],
    server_now: Timestamp,
) -> Result<Loaded, Fault> {
    let needs = Needs::of(orders);
    let mut first = Round::default();
    first.begin(aid, orders.iter().any(|order| changes_account(&order.command)));
    first.clients(aid, &needs);
    first.cards(aid, &needs);
    first.found_without_cards(aid, &needs);
    first.replays(aid, &needs);
    let mut rows = session.ask(&first.queries).await?.into_iter();
    // `BEGIN`, the account's lock and the account stand first.
    let (_, shared, account) = (rows.next(), rows.next(), rows.next());
    let (shared, account) = (shared.unwrap_or_default(), account.unwrap_or_default());
    let account = account.first().map(|row| rows::account(row)).transpose()?.ok_or_else(no_account)?;
    let xact = shared.first().ok_or_else(no_account)?;
    let mut loading = Loading::of(aid, account, server_now);
    loading.xact = xact.try_get("xact")?;
    first.read(&mut loading, &needs, rows)?;
    loading.successors(session).await?;
    let mut second = Round::default();
    second.of_cards(&loading, &needs);
    if !second.queries.is_empty() {
        let rows = session.ask(&second.queries).await?;
        second.read(&mut loading, &needs, rows.into_iter())?;
    }
    Ok(Loaded { world: loading.world, kept: loading.kept, xact: loading.xact })
}

/// Whether a command changes the account or its clients, by which every other order is judged.
fn changes_account(command: &Command) -> bool {
    matches!(command, Command::Client(_) | Command::ChangeSettings(_) | Command::MoveTestClock(_))
}

fn no_account() -> Fault {
    Fault::Answer(Error::Internal("an order names an account that is not there".to_owned()))
}

/// What is done with the rows of a statement.
type Read = fn(&mut Loading, &Needs, Vec<Row>) -> Result<(), Fault>;

/// Statements that go together, and how the rows of the last of them are read.
#[derive(Default)]
struct Round<'a> {
    queries: Vec<Query<'a>>,
    reads: Vec<Read>,
}

impl<'a> Round<'a> {
    fn ask(&mut self, sql: &'static str, params: Vec<super::query::Param<'a>>, read: Read) {
        self.queries.push(Query { sql, params });
        self.reads.push(read);
    }

    fn read(
        self,
        loading: &mut Loading,
        needs: &Needs,
        rows: impl Iterator<Item = Vec<Row>>,
    ) -> Result<(), Fault> {
        self.reads.into_iter().zip(rows).try_for_each(|(read, rows)| read(loading, needs, rows))
    }

    fn begin(&mut self, aid: Aid, alone: bool) {
        let lock = if alone { HAVE_ALONE } else { SHARE };
        self.queries.push(Query::plain(BEGIN));
        self.queries.push(Query { sql: lock, params: params![text(aid), account_lock_key(aid)] });
        self.queries.push(Query { sql: ACCOUNT, params: params![text(aid)] });
    }

    fn clients(&mut self, aid: Aid, needs: &Needs) {
        if needs.all_clients {
            // A deleted client may do nothing, and nothing may be done to it: it need not be known.
            self.ask(LIVE_CLIENTS, params![text(aid)], Loading::put_clients);
            self.ask(GRANTS, params![text(aid)], Loading::put_grants);
        } else if !needs.clients.is_empty() {
            // Without their grants: who only asks is told by its generation, and is not written.
            let uuids: Vec<Uuid> = needs.clients.iter().map(|client| client.0).collect();
            self.ask(CLIENTS, params![text(aid), uuids], Loading::put_clients);
        }
    }

    fn replays(&mut self, aid: Aid, needs: &'a Needs) {
        if needs.replays.is_empty() {
            return;
        }
        let clients: Vec<Uuid> = needs.replays.iter().map(|key| key.client.0).collect();
        let operations: Vec<&str> = needs.replays.iter().map(|key| key.operation.as_str()).collect();
        let macs: Vec<&[u8]> = needs.replays.iter().map(|key| key.key.mac.as_slice()).collect();
        self.ask(REPLAYS, params![text(aid), clients, operations, macs], Loading::put_replays);
    }
}

/// An account's id as PostgreSQL takes it.
pub fn text(aid: Aid) -> String {
    aid.as_str().to_owned()
}

/// A world on its way.
struct Loading {
    aid: Aid,
    /// The account's present.
    now: Timestamp,
    world: World,
    kept: HashMap<ReplayKey, Timestamp>,
    xact: String,
}

impl Loading {
    fn of(aid: Aid, account: Account, server_now: Timestamp) -> Self {
        let now = account.now(server_now);
        Self { aid, now, world: World::new(account), kept: HashMap::new(), xact: String::new() }
    }

    fn put_clients(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for row in &rows {
            let client: Client = rows::client(row)?;
            self.world.clients.insert(client.uuid, client);
        }
        Ok(())
    }

    fn put_grants(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for row in &rows {
            let (holder, grant): (ClientUuid, _) = rows::grant(row)?;
            if let Some(client) = self.world.clients.get_mut(&holder) {
                client.grants.push(grant);
            }
        }
        Ok(())
    }

    fn put_replays(&mut self, needs: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for row in &rows {
            let place = row.try_get::<_, i64>("place")?.saturating_sub(1);
            let key = usize::try_from(place).ok().and_then(|place| needs.replays.get(place));
            let key = *key.ok_or_else(|| Fault::Damaged("idempotency".to_owned()))?;
            let replay = rows::replay(row)?;
            self.kept.insert(key, replay.created_at);
            self.world.replays.insert(key, replay);
        }
        Ok(())
    }

    /// The cards as PostgreSQL takes them, for which something holds.
    fn cards(&self, holds: impl Fn(&domain::Card) -> bool) -> Vec<Uuid> {
        self.world.cards.values().filter(|card| holds(card)).map(|card| card.uuid.0).collect()
    }
}

/// A number that a statement counted for a card.
fn counted(row: &Row) -> Result<(CardUuid, u32), Fault> {
    let mut fields = Fields::new(row, "card_lock");
    Ok((fields.id()?, fields.number()?))
}
