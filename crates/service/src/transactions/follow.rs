//! What follows on a transaction: a lock is captured or ended, a drawdown is given back whole.

use domain::{
    Amount, Capture, CardId, Command, Metadata, OriginatedBy, Reach, RefId, Reverse, Transaction,
    TransactionId, Void,
};

use super::written;
use crate::{Caller, Error, EveryTransaction, Permit, Service, WriteTransactions};

/// What a client says when it takes locked money.
#[derive(Clone, Debug)]
pub struct CaptureRequest {
    /// The lock.
    pub lock: TransactionId,
    /// The client's reference.
    pub ref_id: RefId,
    /// How much, more than nothing; all that is still locked when absent.
    pub amount: Option<Amount>,
    /// Where the request comes from.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
}

/// What a client says when it ends a lock.
#[derive(Clone, Debug)]
pub struct VoidRequest {
    /// The lock.
    pub lock: TransactionId,
    /// The client's reference.
    pub ref_id: RefId,
    /// The client's own data.
    pub metadata: Metadata,
}

impl Service {
    /// Takes locked money; what is left stays locked.
    pub async fn capture(
        &self,
        permit: &Permit<WriteTransactions>,
        request: CaptureRequest,
    ) -> Result<(Transaction, CardId), Error> {
        let capture = Capture {
            lock: request.lock,
            reach: reach(permit.caller()),
            ref_id: request.ref_id,
            id: TransactionId(self.new_id()),
            amount: request.amount,
            originated_by: request.originated_by,
            metadata: request.metadata,
        };
        written(self.submit(permit.caller(), Command::Capture(Box::new(capture))).await??)
    }

    /// Ends a lock and frees what is left of it.
    pub async fn void(
        &self,
        permit: &Permit<WriteTransactions>,
        request: VoidRequest,
    ) -> Result<(Transaction, CardId), Error> {
        let void = Void {
            lock: request.lock,
            reach: reach(permit.caller()),
            ref_id: request.ref_id,
            id: TransactionId(self.new_id()),
            metadata: request.metadata,
        };
        written(self.submit(permit.caller(), Command::Void(Box::new(void))).await??)
    }

    /// Gives a whole drawdown back, soon after, by the client that made it.
    pub async fn reverse(
        &self,
        permit: &Permit<WriteTransactions>,
        drawdown: TransactionId,
        ref_id: RefId,
    ) -> Result<(Transaction, CardId), Error> {
        let reverse = Reverse { drawdown, ref_id, id: TransactionId(self.new_id()) };
        written(self.submit(permit.caller(), Command::Reverse(Box::new(reverse))).await??)
    }
}

/// Who holds no more than the narrowest scope ends only its own locks.
fn reach(caller: &Caller) -> Reach {
    let every = caller.clone().permit::<EveryTransaction>();
    if every.is_ok() { Reach::Account } else { Reach::Own }
}
