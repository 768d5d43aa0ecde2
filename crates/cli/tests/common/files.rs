//! What tests look up in files that the program wrote.

use std::fs;
use std::path::Path;

/// The mode of a file or folder: `0o600`.
#[track_caller]
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// The rows of a CSV file below its heading, by column.
#[track_caller]
pub fn csv_columns(path: &Path, columns: &[&str]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).expect("a CSV file");
    let heading = reader.headers().expect("a heading").clone();
    let place = |column: &&str| heading.iter().position(|name| name == *column).expect("such a column");
    let places: Vec<usize> = columns.iter().map(place).collect();
    let row = |record: csv::StringRecord| places.iter().map(|place| record[*place].to_owned()).collect();
    reader.records().map(|record| row(record.expect("a whole row"))).collect()
}
