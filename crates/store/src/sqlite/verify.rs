//! The whole database verified, whether or not a server writes to it.

use std::sync::Arc;

use super::snapshots::SqliteSnapshots;
use super::{SqliteStore, connection};
use crate::Error;
use crate::verify::{PORTION, Portion, Progress, Verified, verify};

/// The page cache, in KiB.
const CACHE_KIB: u32 = 16 * 1_024;

impl SqliteStore {
    /// Checks the whole database and tells `heard` from time to time how far it has come. It fails only where the
    /// database cannot be read.
    pub async fn verify(
        self: &Arc<Self>,
        heard: impl FnMut(&Progress) + Send + 'static,
    ) -> Result<Verified, Error> {
        self.verify_in(PORTION, heard).await
    }

    /// Checks it in other portions.
    pub(crate) async fn verify_in(
        &self,
        portion: Portion,
        mut heard: impl FnMut(&Progress) + Send + 'static,
    ) -> Result<Verified, Error> {
        let file = self.files.database.clone();
        let verifying = tokio::task::spawn_blocking(move || {
            let mut source = SqliteSnapshots(connection::reader(&file, CACHE_KIB)?);
            verify(&mut source, portion, &mut heard)
        });
        verifying.await.unwrap_or_else(|_| Err(Error::Internal("verifying ended by a panic".to_owned())))
    }
}
