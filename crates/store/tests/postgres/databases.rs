//! Databases with the schema and nothing else, lent to one test after the other: one is emptied sooner than a new one
//! is made.

use std::sync::{LazyLock, Mutex, PoisonError};

use cluster::{Cluster, Options, sql};

/// The server of this test program, for as many tests at once as there are processors. A test that lets it fall has
/// one of its own.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let options = Options::default().setting("max_connections", "1000");
    options.start().expect("a PostgreSQL server")
});

/// Those that nobody has.
static IDLE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Ends who is still connected, and takes out all rows but those that say which schema it is. To delete a few is
/// sooner done than to truncate.
const EMPTY: &str = "
    SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    -- Without triggers.
    SET session_replication_role = replica;
    DO $$
    DECLARE name TEXT; bytes BIGINT;
    BEGIN
        FOR name, bytes IN
            SELECT quote_ident(relname), pg_relation_size(oid) FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'schema'
            AND pg_relation_size(oid) > 0
        LOOP
            IF bytes > 1000000 THEN
                EXECUTE 'TRUNCATE ' || name || ' CASCADE';
            ELSE
                EXECUTE 'DELETE FROM ' || name;
            END IF;
        END LOOP;
        PERFORM setval(oid::regclass, 1, false) FROM pg_class
            WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
    END $$";

/// A database that one test has.
#[derive(Debug)]
pub struct Lent(String);

/// An empty database. It has its schema once a store has been opened on it, if not before.
pub fn lend() -> Lent {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    Lent(idle.unwrap_or_else(|| CLUSTER.create_database().expect("a database")))
}

impl Lent {
    pub fn url(&self) -> &str {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // What cannot be emptied is not lent again.
        if sql(&self.0, EMPTY).is_ok() {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self.0.clone());
        }
    }
}
