//! Budgets against guessing that hold for all programs on a database.

use deadpool_postgres::ClientWrapper;
use domain::Timestamp;

use super::fault::Fault;
use crate::{BudgetKey, Failures, SharedBudget};

/// In the order of the keys, so that two who count on the same budgets never wait for each other in a circle.
const COUNT: &str = "INSERT INTO guess_budget AS budget (key, whole_at) \
    SELECT key, $3 + put_off_ms FROM unnest($1::bytea[], $2::bigint[]) AS failures (key, put_off_ms) ORDER BY key \
    ON CONFLICT (key) DO UPDATE SET whole_at = greatest(budget.whole_at, $3) + excluded.whole_at - $3";

/// The emptiest first: where there are too many, those that matter least are not told.
const SPENT: &str =
    "SELECT key, whole_at FROM guess_budget WHERE whole_at > $1 ORDER BY whole_at DESC LIMIT 10000";

const FORGET: &str = "DELETE FROM guess_budget WHERE key IN (SELECT key FROM guess_budget \
    WHERE whole_at <= $1 ORDER BY whole_at LIMIT 10000 FOR UPDATE SKIP LOCKED)";

/// A budget that is whole is forgotten this much later: another program's clock may be behind.
const KEPT_SECONDS: u32 = 60;

/// Counts failures, and answers every budget that is not whole then.
pub async fn share(
    client: &ClientWrapper,
    failures: &[Failures],
    now: Timestamp,
) -> Result<Vec<SharedBudget>, Fault> {
    if !failures.is_empty() {
        let keys: Vec<&[u8]> = failures.iter().map(|failures| failures.key.as_slice()).collect();
        let put_off_ms: Vec<i64> = failures.iter().map(|failures| failures.put_off_ms).collect();
        client.execute(&client.prepare_cached(COUNT).await?, &[&keys, &put_off_ms, &now.unix_ms()]).await?;
    }
    let forget = client.prepare_cached(FORGET).await?;
    client.execute(&forget, &[&now.minus_seconds(KEPT_SECONDS).unix_ms()]).await?;
    let damaged = || Fault::Damaged("guess_budget".to_owned());
    let mut budgets = Vec::new();
    let spent = client.prepare_cached(SPENT).await?;
    for row in client.query(&spent, &[&now.unix_ms()]).await? {
        let key = BudgetKey::try_from(row.try_get::<_, &[u8]>(0)?).map_err(|_| damaged())?;
        let whole_at = Timestamp::try_from(row.try_get::<_, i64>(1)?).map_err(|_| damaged())?;
        budgets.push(SharedBudget { key, whole_at });
    }
    Ok(budgets)
}
