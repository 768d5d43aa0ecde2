//! What a database says of itself, without a store being opened on it.

use std::time::Duration;

use domain::Timestamp;

use super::PostgresStore;
use super::connect::{Purpose, Target};
use super::fault::Fault;
use crate::Error;

const SERVER: &str = "SELECT current_setting('server_version'), to_regclass('schema') IS NOT NULL, \
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

const SCHEMA: &str = "SELECT coalesce(max(version), 0) FROM schema";

const KEPT: &str = "SELECT value FROM server_value WHERE name = $1";

const STATEMENT_MAX: Duration = Duration::from_secs(10);

/// What was seen of a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresInspected {
    /// The server's version, as it calls it.
    pub server: String,
    /// Its time.
    pub now: Timestamp,
    /// Which schema there is; nothing where nobody has made one.
    pub schema: Option<i64>,
    /// The server-wide value that was asked for, if it was set.
    pub value: Option<Vec<u8>>,
}

impl PostgresStore {
    /// Connects to a database, which fails where it is not one to be relied on, and looks at it and at the server-wide
    /// value of this name. Changes nothing.
    pub async fn inspect(url: &str, value: &str) -> Result<PostgresInspected, Error> {
        let connection = Target::of(url)?.connect(Purpose::Read(STATEMENT_MAX)).await?;
        let fault = |error: tokio_postgres::Error| Fault::Sql(error).into_error();
        let server = connection.client.query_one(SERVER, &[]).await.map_err(fault)?;
        let has_schema: bool = server.try_get(1).map_err(fault)?;
        let mut seen = PostgresInspected {
            server: server.try_get(0).map_err(fault)?,
            now: Timestamp::try_from(server.try_get::<_, i64>(2).map_err(fault)?)
                .map_err(|_| Error::Open("PostgreSQL's clock is beyond all times".to_owned()))?,
            schema: None,
            value: None,
        };
        if has_schema {
            let schema = connection.client.query_one(SCHEMA, &[]).await.map_err(fault)?;
            seen.schema = Some(schema.try_get(0).map_err(fault)?);
            let kept = connection.client.query_opt(KEPT, &[&value]).await.map_err(fault)?;
            seen.value = kept.map(|row| row.try_get(0)).transpose().map_err(fault)?;
        }
        Ok(seen)
    }
}
