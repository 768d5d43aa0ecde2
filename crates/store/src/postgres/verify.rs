//! The whole database verified, whether or not servers write to it.

use super::PostgresStore;
use super::connect::{Purpose, Target};
use super::snapshots::{PostgresSnapshots, STATEMENT_MAX};
use crate::Error;
use crate::verify::{PORTION, Progress, Verified, verify};

impl PostgresStore {
    /// Checks the whole database of a `postgres://` URL and tells `heard` from time to time how far it has come. It
    /// changes nothing, and fails only where the database cannot be read.
    pub async fn verify(
        url: &str,
        mut heard: impl FnMut(&Progress) + Send + 'static,
    ) -> Result<Verified, Error> {
        let target = Target::of(url)?;
        let verifying = tokio::task::spawn_blocking(move || {
            let mut source = PostgresSnapshots::connect(&target, Purpose::Read(STATEMENT_MAX))?;
            verify(&mut source, PORTION, &mut heard)
        });
        verifying.await.unwrap_or_else(|_| Err(Error::Internal("verifying ended by a panic".to_owned())))
    }
}
