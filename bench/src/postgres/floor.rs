//! The floor of a drawdown on PostgreSQL: the least that it costs, without HTTP and without rules.
//!
//! The same look-ups and the same rows as the server's, in sets, on two connections that never meet on a card. Nothing
//! else is asked, nothing is checked, nobody waits for an answer.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::Builder;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use crate::floor::Codes;
use crate::ledger::Pick;
use crate::machine;
use crate::server::ACCOUNT;

/// As many drawdowns are under way as the server has tills.
const CONNECTIONS: usize = 2;
const GROUP: usize = super::TILLS / CONNECTIONS;

/// As the lanes of the server have it: every statement goes by an index.
const SESSION: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off; SET jit = off";

const CARDS: &str = "SELECT card, uuid FROM card_token WHERE aid = $1 AND mac = ANY($2)";

const TAKE: &str = "UPDATE card SET drawdown = drawdown + 1, seq = seq + 1, changed_at = greatest(changed_at, $3) \
    WHERE aid = $1 AND uuid = ANY($2) AND funds - drawdown - reserved >= 1 \
    RETURNING uuid, seq, funds - drawdown, funds - drawdown - reserved";

const INSERT_TRANSACTIONS: &str = "INSERT INTO card_transaction (aid, card, seq, id, ref_id, token, request, \
    balance, available, type, reason, amount, currency, metadata, created_at, created_by, asked_operation, \
    asked_amount) SELECT $1, new.*, 'drawdown', 'sale', 1, 'NOK', '{}', $2, $3, 'drawdown', 1 \
    FROM unnest($4::uuid[], $5::bigint[], $6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::bigint[], \
    $11::bigint[]) AS new";

const INSERT_OUTBOX: &str = "INSERT INTO outbox (aid, at, client, request, action, subjects, transactions) \
    SELECT $1, $2, $3, new.request, 'drawdown', '', uuid_send(new.id) \
    FROM unnest($4::uuid[], $5::uuid[]) AS new (request, id)";

type Value<'a> = &'a (dyn ToSql + Sync);

/// Drawdowns a second on a database with cards that have money on them.
pub fn measure(url: &str, during: Duration) -> Result<f64> {
    let begun = Instant::now();
    let drawn = thread::scope(|threads| {
        let one = |place| threads.spawn(move || draw(url, place, during));
        let drawing: Vec<_> = (0..CONNECTIONS).map(one).collect();
        let drawn = drawing.into_iter().map(|one| one.join().expect("no panic"));
        drawn.collect::<Result<Vec<usize>>>()
    })?;
    let drawn = u32::try_from(drawn.into_iter().sum::<usize>())?;
    Ok(f64::from(drawn) / begun.elapsed().as_secs_f64())
}

/// Draws on each second card until the time is over; answers how often.
fn draw(url: &str, place: usize, during: Duration) -> Result<usize> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut drawer = Drawer::connect(url, place).await?;
        let (begun, mut drawn) = (Instant::now(), 0);
        while begun.elapsed() < during {
            drawer.group().await?;
            drawn += GROUP;
        }
        Ok(drawn)
    })
}

struct Drawer {
    client: Client,
    cards: Statement,
    take: Statement,
    insert_transactions: Statement,
    insert_outbox: Statement,
    macs: Vec<Vec<u8>>,
    asking: Uuid,
    codes: Codes,
    pick: Pick,
}

impl Drawer {
    async fn connect(url: &str, place: usize) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(SESSION).await?;
        let asking = client.query_one("SELECT uuid FROM api_client WHERE aid = $1", &[&ACCOUNT]).await?;
        let macs =
            client.query("SELECT mac FROM card_token WHERE aid = $1 ORDER BY mac", &[&ACCOUNT]).await?;
        Ok(Self {
            cards: client.prepare(CARDS).await?,
            take: client.prepare(TAKE).await?,
            insert_transactions: client.prepare(INSERT_TRANSACTIONS).await?,
            insert_outbox: client.prepare(INSERT_OUTBOX).await?,
            macs: macs.iter().skip(place).step_by(CONNECTIONS).map(|row| row.get(0)).collect(),
            asking: asking.get(0),
            codes: Codes::new(),
            pick: Pick::new(u64::try_from(place)?),
            client,
        })
    }

    /// One group: three round trips, as few as the order of things allows.
    async fn group(&mut self) -> Result<()> {
        let unix_ms = machine::now().as_millisecond();
        let picked = self.picked();
        let macs: Vec<&[u8]> = picked.iter().map(|place| self.macs[*place].as_slice()).collect();
        let named: [Value<'_>; 2] = [&ACCOUNT, &macs];
        let ((), found) =
            tokio::try_join!(self.client.batch_execute("BEGIN"), self.client.query(&self.cards, &named))?;
        let mut tokens: Vec<(Uuid, Uuid)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
        tokens.sort_unstable();
        let cards: Vec<Uuid> = tokens.iter().map(|(card, _)| *card).collect();
        let mut taken = self.client.query(&self.take, &[&ACCOUNT, &cards, &unix_ms]).await?;
        taken.sort_unstable_by_key(|row| row.get::<_, Uuid>(0));
        ensure!(taken.len() == GROUP, "{} of {GROUP} cards had money", taken.len());
        self.write(&tokens, &taken, unix_ms).await
    }

    async fn write(&mut self, tokens: &[(Uuid, Uuid)], taken: &[Row], unix_ms: i64) -> Result<()> {
        let id_ms = u64::try_from(unix_ms)?;
        let (cards, tokens): (Vec<Uuid>, Vec<Uuid>) = tokens.iter().copied().unzip();
        let ids: Vec<Uuid> = cards.iter().map(|_| self.codes.id(id_ms)).collect();
        let requests: Vec<Uuid> = cards.iter().map(|_| self.codes.id(id_ms)).collect();
        let numbers = |column| taken.iter().map(|row| row.get(column)).collect::<Vec<i64>>();
        let (seqs, balances, available) = (numbers(1), numbers(2), numbers(3));
        // A card has one transaction of each number, so that a reference made of it is taken once.
        let ref_ids: Vec<String> = seqs.iter().map(|seq| format!("bare-transaction-{seq:04}")).collect();
        let transactions: [Value<'_>; 11] = [
            &ACCOUNT,
            &unix_ms,
            &self.asking,
            &cards,
            &seqs,
            &ids,
            &ref_ids,
            &tokens,
            &requests,
            &balances,
            &available,
        ];
        let outbox: [Value<'_>; 5] = [&ACCOUNT, &unix_ms, &self.asking, &requests, &ids];
        tokio::try_join!(
            self.client.execute(&self.insert_transactions, &transactions),
            self.client.execute(&self.insert_outbox, &outbox),
            self.client.batch_execute("COMMIT"),
        )
        .context("a group")?;
        Ok(())
    }

    /// So many tokens, each of another card, by their places.
    fn picked(&mut self) -> BTreeSet<usize> {
        let mut places = BTreeSet::new();
        while places.len() < GROUP {
            places.insert(self.pick.below(self.macs.len()));
        }
        places
    }
}
