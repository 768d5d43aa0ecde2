//! Who did what.

use store::{AuditPage, AuditQuery};

use crate::{Error, Permit, ReadAccounts, Service};

impl Service {
    /// A page of what was done in the account, newest first.
    pub async fn audit(&self, permit: &Permit<ReadAccounts>, query: &AuditQuery) -> Result<AuditPage, Error> {
        Ok(self.store.audit(permit.caller().aid, query).await?)
    }
}
