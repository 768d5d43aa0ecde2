//! How a schema of any database becomes that of this program, and which programs may use which.

use crate::Error;

/// A step from one schema to the next.
#[derive(Clone, Copy)]
pub struct Migration {
    /// Its number, from 1 on.
    pub version: i64,
    /// The lowest program that may use a database with this step. A step that only adds what older programs
    /// do not look at leaves it as it was.
    pub oldest_program: &'static str,
    /// What it does.
    pub sql: &'static str,
}

/// This program's version.
pub const THIS_PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The version of a schema, 0 where there is none; refused where this program is too old for it. Takes the last
/// step that was applied, and the oldest program that may use the database since.
pub fn version(latest: Option<(i64, String)>) -> Result<i64, Error> {
    let Some((version, oldest_program)) = latest else {
        return Ok(0);
    };
    match (numbers(&oldest_program), numbers(THIS_PROGRAM)) {
        (Some(oldest), Some(this)) if oldest <= this => Ok(version),
        (Some(_), Some(_)) => Err(Error::TooNew { needs: oldest_program, program: THIS_PROGRAM.to_owned() }),
        _ => Err(Error::Damaged("schema.oldest_program".to_owned())),
    }
}

/// Fails where a schema has steps that this program does not know: it would leave behind what they added.
pub fn check_known(version: i64, steps: &[Migration]) -> Result<(), Error> {
    let known = steps.last().map_or(0, |step| step.version);
    if version > known {
        let what =
            format!("its schema is {version}, and this program knows none after {known}; use the newer one");
        return Err(Error::Open(what));
    }
    Ok(())
}

/// `1.2.3` as numbers that can be compared.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let parts: Result<Vec<u64>, _> = version.split('.').map(str::parse).collect();
    parts.ok()?.try_into().ok()
}

/// Fails where steps are not numbered from one on, or where one lowers the oldest program.
#[cfg(test)]
pub fn check_steps(steps: &[Migration]) {
    let versions: Vec<i64> = steps.iter().map(|step| step.version).collect();
    let expected: Vec<i64> = (1..).take(steps.len()).collect();
    assert_eq!(versions, expected);
    let oldest: Vec<_> = steps.iter().map(|step| numbers(step.oldest_program)).collect();
    assert!(oldest.is_sorted() && oldest.iter().all(Option::is_some));
    assert!(oldest.last().copied().flatten() <= numbers(THIS_PROGRAM));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("0.10.0") > numbers("0.9.9"));
        assert_eq!(numbers("1.0"), None);
        assert_eq!(numbers("x.y.z"), None);
    }

    #[test]
    fn a_schema_is_refused_only_where_it_says_so() {
        assert_eq!(version(None), Ok(0));
        assert_eq!(version(Some((1_000, "0.1.0".to_owned()))), Ok(1_000));
        let (needs, program) = ("99.0.0".to_owned(), THIS_PROGRAM.to_owned());
        assert_eq!(version(Some((1_001, needs.clone()))), Err(Error::TooNew { needs, program }));
        let damaged = Error::Damaged("schema.oldest_program".to_owned());
        assert_eq!(version(Some((1, "newest".to_owned()))), Err(damaged));
    }
}
