//! Databases of a cluster.

use std::sync::atomic::Ordering;

use crate::{Cluster, OWNER, sql};

impl Cluster {
    /// An empty database, by its URL. It goes with the cluster: to drop one by itself takes a checkpoint, and that
    /// takes seconds.
    pub fn create_database(&self) -> Result<String, tokio_postgres::Error> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        sql(&self.socket_url(OWNER), &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(&name))
    }

    /// The URL of a database, by its port.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/{database}", self.port)
    }

    /// The URL of a database, by its socket.
    pub fn socket_url(&self, database: &str) -> String {
        let folder = self.socket().to_string_lossy().replace('/', "%2F");
        format!("postgres://{OWNER}@{folder}:{}/{database}", self.port)
    }
}
