//! What is owed now: from the rows of the cards, added up where they lie.

use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use domain::{Aid, Timestamp};
use tokio_postgres::types::Type;

use super::{standing, sums};
use crate::Liability;
use crate::postgres::fault::Fault;
use crate::postgres::read::{TypedValues, lasts_at_most, snapshot};
use crate::tally::Tally;

/// All cards, and then, taken off again, what lapsed locks hold of some of them: few cards have any, and the others
/// are spared being joined to them.
pub const NOW: &str = concat!(
    "SELECT currency, standing, sum(cards), sum(balance)::TEXT, sum(reserved)::TEXT FROM (\
     SELECT card.currency, ",
    standing!("card", "$2"),
    ", 1 AS cards, card.funds - card.drawdown AS balance, card.reserved FROM card \
     WHERE card.aid = $1 AND card.deleted_at IS NULL UNION ALL \
     SELECT card.currency, ",
    standing!("card", "$2"),
    ", 0, 0::BIGINT, -card_lock.remaining FROM card_lock \
     JOIN card ON card.aid = $1 AND card.uuid = card_lock.card \
     WHERE card_lock.aid = $1 AND card_lock.expires_at <= $2 AND card.deleted_at IS NULL\
     ) AS told GROUP BY currency, standing"
);

/// How long a report may take.
pub const REPORT_MAX: Duration = Duration::from_secs(60);

/// What is owed at `now`.
pub async fn now(client: &mut ClientWrapper, aid: Aid, now: Timestamp) -> Result<Liability, Fault> {
    let transaction = snapshot(client).await?;
    lasts_at_most(&transaction, REPORT_MAX).await?;
    let values: TypedValues<'_> = &[(&aid.as_str(), Type::TEXT), (&now.unix_ms(), Type::INT8)];
    let mut tally = Tally::default();
    for row in transaction.query_typed(NOW, values).await? {
        let (bucket, more) = sums(&row)?;
        tally.put_all(bucket, more);
    }
    transaction.commit().await?;
    Ok(tally.into_liability(now))
}
