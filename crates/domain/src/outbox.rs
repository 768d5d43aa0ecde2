//! What is told to whoever wants to hear of it.

use crate::{Action, ClientUuid, RequestId, Subject, Timestamp, TransactionId};

/// One accepted command, written in the commit of its change and delivered from there.
///
/// A repeat, a refusal and a command that changed nothing leave none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRecord {
    /// When, by the server's clock.
    pub at: Timestamp,
    /// Which client; none where an operator did it on the server.
    pub client: Option<ClientUuid>,
    /// In which request.
    pub request: RequestId,
    /// What.
    pub action: Action,
    /// To what, as the audit has it; empty for what is only a money row.
    pub subjects: Vec<Subject>,
    /// The rows it wrote, in order, `expired` ones that were due included.
    pub transactions: Vec<TransactionId>,
}
