//! A PostgreSQL that is moved from or to.

use std::error::Error as StdError;
use std::pin::pin;

use domain::Timestamp;
use tokio::runtime::Handle;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Column};

use super::connect::{Purpose, Target as Database};
use super::fault::Fault;
use super::locks::SERVED;
use super::migrate;
use super::snapshots::{PostgresSnapshots, failed};
use crate::Error;
use crate::migration;
use crate::relocate::{Cell, LEAVING, MARK, Target};

/// What counts places goes on behind the highest one; and plans go by what the tables hold now.
const SETTLE: &str = "
    SELECT setval(pg_get_serial_sequence('audit', 'place'), greatest(max(place), 1), max(place) IS NOT NULL) FROM audit;
    SELECT setval(pg_get_serial_sequence('outbox', 'place'), greatest(max(place), 1), max(place) IS NOT NULL)
        FROM outbox;
    ANALYZE";

/// A connection that has just ended may still hold its lock.
const WAIT: &str = "SET lock_timeout = '3s'";

impl PostgresSnapshots {
    /// The database of a URL, its schema brought up to date.
    pub fn moved(url: &str, now: Timestamp) -> Result<Self, Error> {
        let database = Database::of(url)?;
        Handle::current().block_on(migrate::run(&database, now))?;
        let this = Self::connect(&database, Purpose::Schema)?;
        this.have_alone()?;
        let (client, runtime) = this.parts();
        migration::check_known(runtime.block_on(migrate::version(client))?, migrate::MIGRATIONS)?;
        Ok(this)
    }

    /// Keeps servers from the database for as long as the connection lasts.
    fn have_alone(&self) -> Result<(), Error> {
        let (client, runtime) = self.parts();
        let locking = async {
            client.batch_execute(WAIT).await?;
            client.execute("SELECT pg_advisory_lock($1)", &[&SERVED]).await?;
            client.batch_execute("RESET lock_timeout").await
        };
        match runtime.block_on(locking).map_err(Fault::Sql) {
            Err(fault) if fault.is_too_slow() => Err(Error::Open(
                "the database is served, or moved by somebody else; stop every server of it first".to_owned(),
            )),
            locked => locked.map_err(Fault::into_error),
        }
    }
}

/// Refuses a database that a move from or to has not ended in.
pub async fn refuse_marked(client: &Client) -> Result<(), Error> {
    let sql = "SELECT name FROM server_value WHERE name IN ($1, $2)";
    let marks = client.query(sql, &[&MARK, &LEAVING]).await.map_err(failed)?;
    if marks.is_empty() { Ok(()) } else { Err(crate::relocate::under_way()) }
}

impl ToSql for Cell {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(integer) if *kind == Type::BOOL => (*integer != 0).to_sql(kind, out),
            Self::Integer(integer) => integer.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::BOOL | Type::TEXT | Type::BYTEA | Type::UUID)
    }

    to_sql_checked!();
}

impl Target for PostgresSnapshots {
    fn columns(&mut self, table: &str) -> Result<Vec<String>, Error> {
        let statement = self.statement(&format!("SELECT * FROM {table}"))?;
        Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect())
    }

    fn insert(&mut self, table: &str, columns: &[String], rows: &[Vec<Cell>]) -> Result<(), Error> {
        let columns = columns.join(", ");
        let statement = self.statement(&format!("SELECT {columns} FROM {table}"))?;
        let types: Vec<Type> = statement.columns().iter().map(Column::type_).cloned().collect();
        let (client, runtime) = self.parts();
        let copying = async {
            let sink = client.copy_in(&format!("COPY {table} ({columns}) FROM STDIN BINARY")).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
            for row in rows {
                writer.as_mut().write_raw(row).await?;
            }
            writer.finish().await
        };
        runtime.block_on(copying).map(drop).map_err(failed)
    }

    fn delete_value(&mut self, name: &str) -> Result<(), Error> {
        let (client, runtime) = self.parts();
        let deleting = async { client.execute("DELETE FROM server_value WHERE name = $1", &[&name]).await };
        runtime.block_on(deleting).map(drop).map_err(failed)
    }

    fn rename_value(&mut self, name: &str, new_name: &str) -> Result<(), Error> {
        let (client, runtime) = self.parts();
        let sql = "UPDATE server_value SET name = $2 WHERE name = $1";
        let renaming = async { client.execute(sql, &[&name, &new_name]).await };
        runtime.block_on(renaming).map(drop).map_err(failed)
    }

    fn settle(&mut self) -> Result<(), Error> {
        self.run(SETTLE)
    }
}
