//! A whole database in PostgreSQL, read in snapshots by a thread that may block.

use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::time::Duration;

use domain::Aid;
use tokio::runtime::Handle;
use tokio_postgres::Statement;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::connect::{Connection, Purpose, Target};
use super::fault::Fault;
use crate::Error;
use crate::rows::Columns;
use crate::snapshots::{Param, Snapshots};

/// How long one statement may take. Each reads some thousand rows by a key, at most.
pub const STATEMENT_MAX: Duration = Duration::from_secs(60);

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

const TRANSACTIONS: &str = "SELECT id FROM card_transaction WHERE aid = $1 AND id = ANY($2)";

/// Rows are read in the order of keys, some thousand at a time. On a table that was never analysed PostgreSQL would
/// else read and sort all of it for each.
const IN_ORDER: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off";

/// A connection that is used by a thread outside of the runtime that carries it.
pub struct PostgresSnapshots {
    connection: Connection,
    runtime: Handle,
    prepared: HashMap<String, Statement>,
}

impl PostgresSnapshots {
    /// Connects. Call it where blocking is allowed, within a runtime.
    pub fn connect(target: &Target, purpose: Purpose) -> Result<Self, Error> {
        let runtime = Handle::current();
        let connection = runtime.block_on(target.connect(purpose))?;
        let mut this = Self { connection, runtime, prepared: HashMap::new() };
        this.run(IN_ORDER)?;
        Ok(this)
    }

    /// Carries out statements without parameters.
    pub fn run(&mut self, sql: &str) -> Result<(), Error> {
        self.runtime.block_on(self.connection.client.batch_execute(sql)).map_err(failed)
    }

    /// A statement, prepared once.
    pub fn statement(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(prepared) = self.prepared.get(sql) {
            return Ok(prepared.clone());
        }
        let prepared = self.runtime.block_on(self.connection.client.prepare(sql)).map_err(failed)?;
        self.prepared.insert(sql.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// The connection, and what carries it.
    pub fn parts(&self) -> (&tokio_postgres::Client, &Handle) {
        (&self.connection.client, &self.runtime)
    }
}

/// What went wrong, as an answer.
pub fn failed(error: tokio_postgres::Error) -> Error {
    Fault::from(error).into_error()
}

impl ToSql for Param<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match *self {
            Self::Text(text) => text.to_sql(kind, out),
            Self::Integer(integer) => integer.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::Id(bytes) => {
                let mut id = [0; 16];
                id.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
                Uuid::from_bytes(id).to_sql(kind, out)
            }
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA | Type::UUID)
    }

    to_sql_checked!();
}

impl Snapshots for PostgresSnapshots {
    fn begin(&mut self) -> Result<(), Error> {
        self.run(BEGIN)
    }

    fn end(&mut self) -> Result<(), Error> {
        self.run("COMMIT")
    }

    fn each(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        row: &mut dyn FnMut(&dyn Columns),
    ) -> Result<(), Error> {
        let statement = self.statement(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|param| -> &(dyn ToSql + Sync) { param }).collect();
        let found = self.runtime.block_on(self.connection.client.query(&statement, &params));
        found.map_err(failed)?.iter().for_each(|found| row(found));
        Ok(())
    }

    fn missing_transactions(&mut self, aid: Aid, ids: &[Uuid]) -> Result<HashSet<Uuid>, Error> {
        let statement = self.statement(TRANSACTIONS)?;
        let client = &self.connection.client;
        let query = async { client.query(&statement, &[&aid.as_str(), &ids]).await };
        let found = self.runtime.block_on(query).map_err(failed)?;
        let mut missing: HashSet<Uuid> = ids.iter().copied().collect();
        for row in found {
            missing.remove(&row.try_get::<_, Uuid>(0).map_err(failed)?);
        }
        Ok(missing)
    }

    fn has_gapless_places(&self) -> bool {
        false
    }
}
