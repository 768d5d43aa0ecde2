//! The keys of advisory locks: what is shared or taken alone without a row being written for it.

use domain::{Aid, Mode};

/// What every group of an account shares, and who changes the account or its clients takes alone.
pub fn account_lock_key(aid: Aid) -> i64 {
    key(1, aid)
}

/// What a node holds while it closes an account's days.
pub fn closing_lock_key(aid: Aid) -> i64 {
    key(2, aid)
}

/// What every program shares that serves the database, and whoever moves it takes alone.
pub const SERVED: i64 = 3 << 40;

/// No two purposes and no two accounts have one key: an account is a letter and eight digits.
fn key(purpose: i64, aid: Aid) -> i64 {
    let mode = match aid.mode() {
        Mode::Test => 0,
        Mode::Production => 1,
    };
    let digits = aid.as_str().bytes().skip(1).fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    (purpose << 40) | (mode << 32) | digits
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_account_and_purpose_has_a_key_of_its_own() {
        let aids =
            ["T00000000", "T00000001", "T10000000", "T99999999", "P00000000", "P00000001", "P99999999"];
        let keys: HashSet<i64> = aids
            .into_iter()
            .map(|aid| Aid::try_from(aid).expect("an aid"))
            .flat_map(|aid| [account_lock_key(aid), closing_lock_key(aid)])
            .collect();
        assert_eq!(keys.len(), 2 * aids.len());
    }
}
