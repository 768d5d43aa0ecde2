//! Reports.

use domain::Timestamp;
use store::Liability;

use crate::{Error, Permit, ReadCards, Service};

impl Service {
    /// What the account owes on its cards, now or at a past instant.
    pub async fn liability(
        &self,
        permit: &Permit<ReadCards>,
        at: Option<Timestamp>,
    ) -> Result<Liability, Error> {
        let aid = permit.caller().aid;
        let now = self.now_in(aid);
        match at {
            Some(at) if at > now => Err(Error::InFuture),
            Some(at) if at < now => self.store.liability_at(aid, at).await?.ok_or(Error::BeforeRecords),
            Some(_) | None => Ok(self.store.liability(aid, now).await?),
        }
    }
}
