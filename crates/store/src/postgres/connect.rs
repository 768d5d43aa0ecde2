//! How the database is reached, and what it must be so that the promises hold.

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio::task::JoinHandle;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Client, Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::{Fault, told};
use super::locks::SERVED;
use super::tls::{self, Trust};
use crate::Error;
use crate::relocate::under_way;

/// PostgreSQL 15.
const VERSION_OLDEST: i64 = 150_000;

/// How long one address is tried.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// After which silence a connection is probed, how often, and how long what was sent may go without an answer.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// How long a statement of a lane may take.
pub const STATEMENT_MAX: Duration = Duration::from_secs(5);

/// How long a statement may wait for somebody else's lock. Whoever holds one is through in milliseconds.
const LOCK_MAX: Duration = Duration::from_secs(3);

/// How long a transaction may stand open with nobody at it, its locks in everybody's way.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// Every statement of a lane goes by an index, on a table of any size. A plan that was made while a table was small
/// must not say otherwise later. Citus can route most statements only once it knows their values, so there each is
/// planned for them. A look-up finds one row or none, for which a bitmap costs more than it spares.
const LANE: &str = "SELECT set_config('plan_cache_mode', CASE WHEN EXISTS \
    (SELECT FROM pg_extension WHERE extname = 'citus') THEN 'force_custom_plan' ELSE 'force_generic_plan' END, FALSE); \
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off";

const SERVE: &str = "SELECT pg_advisory_lock_shared($1)";

const FACTS: &str = "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding'), \
    pg_is_in_recovery(), current_setting('fsync'), current_setting('full_page_writes'), \
    current_setting('synchronous_commit')";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Changes of the schema: they take their time.
    Schema,
    /// Orders.
    Lane,
    /// Everything else, each statement of which may take so long.
    Read(Duration),
}

/// Where the database is and who asks there. It holds the password, so it cannot be printed.
pub struct Target {
    config: Config,
    tls: MakeRustlsConnect,
}

/// A connection, and the task that speaks for it, which ends with it.
pub struct Connection {
    /// Who asks.
    pub client: Client,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Target {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…&sslrootcert=…`.
    pub fn of(url: &str) -> Result<Self, Error> {
        // Nothing of the URL is told: a password with a sign in it that splits it may stand anywhere.
        let unread = || {
            let shape =
                "postgres://USER:PASSWORD@HOST:PORT/DATABASE, with signs like @ / ? in them as %40 %2F %3F";
            Error::Open(format!("the database's URL cannot be read; it must be {shape}"))
        };
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(unread());
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut sslmode, mut roots) = (None, None);
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => sslmode = Some(value),
                Some(("sslrootcert", value)) => {
                    let file = percent_decode_str(value).decode_utf8().map_err(|_| unread())?;
                    roots = Some(PathBuf::from(file.as_ref()));
                }
                _ => others.push(pair),
            }
        }
        let trust = Trust::of(sslmode, roots.is_some())?;
        let mut config: Config = format!("{base}?{}", others.join("&")).parse().map_err(|_| unread())?;
        config
            .ssl_mode(trust.mode())
            .connect_timeout(CONNECT_MAX)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE / KEEPALIVE_PROBES)
            .keepalives_retries(KEEPALIVE_PROBES)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX);
        if config.get_application_name().is_none() {
            config.application_name("gavekort");
        }
        // Of several hosts the one that is written to, also for what only reads: a standby lags behind.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self { config, tls: tls::connector(trust, roots.as_deref())? })
    }

    /// The configuration and the TLS of it, for a pool.
    pub fn parts(&self) -> (Config, MakeRustlsConnect) {
        (self.config.clone(), self.tls.clone())
    }

    /// Connects, and makes sure that the database is one to be relied on. The connection is carried by the runtime
    /// that this is called in.
    pub async fn connect(&self, purpose: Purpose) -> Result<Connection, Error> {
        let connected = tokio::time::timeout(CONNECT_MAX * 2, self.config.connect(self.tls.clone())).await;
        let (client, connection) = connected
            .map_err(|_| Error::Unavailable("PostgreSQL does not answer".to_owned()))?
            .map_err(|error| Error::Unavailable(reason(&error)))?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = told(&error), "a connection to PostgreSQL ended");
            }
        });
        let connection = Connection { client, task };
        let prepared =
            tokio::time::timeout(CONNECT_MAX + LOCK_MAX, prepare(&connection.client, purpose)).await;
        prepared.map_err(|_| Error::Unavailable("PostgreSQL does not answer".to_owned()))??;
        Ok(connection)
    }
}

async fn prepare(client: &Client, purpose: Purpose) -> Result<(), Error> {
    let fault = |error| Fault::Sql(error).into_error();
    client.batch_execute(&session(purpose)).await.map_err(fault)?;
    if purpose == Purpose::Lane {
        serve(client).await?;
    }
    check(&client.query_one(FACTS, &[]).await.map_err(fault)?)
}

/// What a new connection is told first.
pub fn session(purpose: Purpose) -> String {
    let (statement_max, lock_max, more) = match purpose {
        Purpose::Schema => (Duration::ZERO, Duration::ZERO, ""),
        Purpose::Lane => (STATEMENT_MAX, LOCK_MAX, LANE),
        Purpose::Read(time_max) => (time_max, LOCK_MAX, ""),
    };
    format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
         SET client_min_messages = warning; SET jit = off; {more}",
        statement_max.as_millis(),
        lock_max.as_millis(),
        IDLE_MAX.as_millis(),
    )
}

/// Holds on to the database as a served one for as long as the connection lasts: what is served is not moved, nor what
/// is moved served. Each connection that orders go through does so itself, for another may break while a move waits.
pub async fn serve(client: &Client) -> Result<(), Error> {
    match client.execute(SERVE, &[&SERVED]).await.map_err(Fault::Sql) {
        Ok(_) => Ok(()),
        Err(fault) if fault.is_too_slow() => Err(under_way()),
        Err(fault) => Err(fault.into_error()),
    }
}

/// Whether a database keeps what it says it has committed.
fn check(facts: &Row) -> Result<(), Error> {
    let fault = |error| Fault::Sql(error).into_error();
    let text = |place| facts.try_get::<_, &str>(place).map_err(fault);
    let version: i64 = facts.try_get(0).map_err(fault)?;
    if version < VERSION_OLDEST {
        return Err(Error::Open(format!(
            "PostgreSQL {} is too old: 15 or newer is needed",
            version / 10_000
        )));
    }
    if text(1)? != "UTF8" {
        return Err(Error::Open(format!("the database's encoding is {}; it must be UTF8", text(1)?)));
    }
    if facts.try_get(2).map_err(fault)? {
        return Err(Error::Unavailable("PostgreSQL is a standby, which takes no writes".to_owned()));
    }
    for (place, name) in [(3, "fsync"), (4, "full_page_writes")] {
        if text(place)? != "on" {
            let why = "a power cut would lose what was committed, or more";
            return Err(Error::Open(format!("PostgreSQL runs with {name} = {}: {why}", text(place)?)));
        }
    }
    // Each of the others answers a commit before it is on the disks that it is promised to be on: `off` on none,
    // `local` not on the standbys that were named, `remote_write` in their memory.
    let commit = text(5)?;
    if !["on", "remote_apply"].contains(&commit) {
        let what =
            format!("PostgreSQL runs with synchronous_commit = {commit}; it must be on or remote_apply");
        return Err(Error::Open(what));
    }
    Ok(())
}

/// Why there is no connection: what the system says, or what PostgreSQL does, which names users and databases but no
/// passwords.
pub fn reason(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("PostgreSQL refuses the connection: {} ({})", said.message(), said.code().code());
    }
    if let Some(why) = tls::distrust(error) {
        return format!("PostgreSQL is not trusted: {why}");
    }
    let mut reason = "PostgreSQL cannot be reached".to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    reason
}

#[cfg(test)]
mod tests {
    use cluster::{Cluster, sql};

    use super::*;

    /// Stands for the extension, as far as a lane looks at it.
    const CITUS: &str = "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) \
        SELECT 1, 'citus', 10, oid, FALSE, '12' FROM pg_namespace WHERE nspname = 'public'";

    #[tokio::test]
    async fn a_lane_plans_for_whatever_values_unless_citus_must_know_them_to_route() {
        let cluster = Cluster::start().expect("a server");
        let url = cluster.create_database().expect("a database");
        for (before, mode) in [("SELECT 1", "force_generic_plan"), (CITUS, "force_custom_plan")] {
            sql(&url, before).expect("done");
            let target = Target::of(&url).expect("a URL");
            let connection = target.connect(Purpose::Lane).await.expect("connected");
            let row = connection.client.query_one("SHOW plan_cache_mode", &[]).await.expect("a mode");
            assert_eq!(row.get::<_, &str>(0), mode);
        }
    }

    #[test]
    fn what_is_refused_of_a_url_is_not_told() {
        for url in [
            "mysql://me:hunter2@localhost/cards",
            "host=localhost password=hunter2",
            "postgres://me:hunter2@localhost:port/cards",
            "postgres://me:hunter2@localhost/cards?hunter2=1",
            "postgres://me:hunter2@localhost/cards?sslmode=hunter2",
        ] {
            let Err(Error::Open(why)) = Target::of(url) else {
                panic!("{url} is no URL of a database");
            };
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_url_says_who_asks_where_and_how_safely() {
        let target = Target::of("postgres://me:hunter2@db.example:5433/cards?sslmode=require").ok();
        let (config, _) = target.expect("a URL").parts();
        assert_eq!(config.get_user(), Some("me"));
        assert_eq!(config.get_dbname(), Some("cards"));
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_ssl_mode(), tokio_postgres::config::SslMode::Require);
        assert_eq!(config.get_application_name(), Some("gavekort"));
    }
}
