//! Whether server and floor did the same: else one is compared with another thing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Connection;
use serde_json::Value;

use crate::floor::Pictures;
use crate::turns::BATCH;

const DATA_URI_PREFIX: &str = "data:image/png;base64,";
const PX_PER_MODULE_MIN: usize = 2;
/// Light modules on both sides together that ISO/IEC 15417 asks for.
const CODE_128_QUIET_MODULES: usize = 20;
/// The same of ISO/IEC 18004.
const QR_QUIET_MODULES: usize = 8;

/// Fails where two sums are not within 2 % of each other.
pub fn within_2_percent(what: &str, of_server: usize, of_floor: usize) -> Result<()> {
    let apart = of_server.abs_diff(of_floor);
    ensure!(apart * 50 <= of_server.max(of_floor), "{what}: server {of_server}, floor {of_floor}");
    Ok(())
}

/// Fails where one answer has a field that the other has not, or another type at the same place.
pub fn shape(of_server: &Value, of_floor: &Value) -> Result<()> {
    let [of_server, of_floor] = [of_server, of_floor].map(|value| {
        let mut paths = BTreeSet::new();
        walk(value, "", &mut paths);
        paths
    });
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| {
        these.difference(those).cloned().collect::<Vec<_>>().join(" ")
    };
    ensure!(
        of_server == of_floor,
        "the answers differ: only the server has [{}], only the floor has [{}]",
        only(&of_server, &of_floor),
        only(&of_floor, &of_server)
    );
    Ok(())
}

fn walk(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                walk(value, &format!("{path}.{name}"), paths);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, &format!("{path}[]"), paths)),
        Value::String(_) => drop(paths.insert(format!("{path}:string"))),
        Value::Number(_) => drop(paths.insert(format!("{path}:number"))),
        Value::Bool(_) => drop(paths.insert(format!("{path}:bool"))),
        Value::Null => drop(paths.insert(format!("{path}:null"))),
    }
}

/// Fails unless an answer holds a whole batch, every picture in it as wide as its payload needs.
pub fn check_answer(answer: &Value, pictures: Pictures) -> Result<()> {
    let cards = answer["cards"].as_array().context("no cards")?;
    ensure!(cards.len() == BATCH, "{} cards", cards.len());
    for card in cards {
        check_code(&card["pin"]["pin"], pictures).context("a PIN")?;
        check_code(&card["card_token"]["token"], pictures).context("a token")?;
    }
    Ok(())
}

fn check_code(code: &Value, pictures: Pictures) -> Result<()> {
    let value = code["value"].as_str().context("no value")?;
    if pictures == Pictures::None {
        return Ok(());
    }
    let barcode = png_width(&code["barcode_128"])?;
    let modules = code_128_modules(value.as_bytes()) + CODE_128_QUIET_MODULES;
    ensure!(barcode >= modules * PX_PER_MODULE_MIN, "a barcode of {modules} modules is {barcode} px wide");
    let qr = png_width(&code["qr"])?;
    let modules = qr_modules_min(value) + QR_QUIET_MODULES;
    ensure!(qr >= modules * PX_PER_MODULE_MIN, "a QR code of {modules} modules or more is {qr} px wide");
    Ok(())
}

/// What the header of a PNG says, out of a data URI.
fn png_width(picture: &Value) -> Result<usize> {
    let uri = picture.as_str().context("no picture")?;
    let png = uri.strip_prefix(DATA_URI_PREFIX).context("no PNG in a data URI")?;
    // Signature (8), the first chunk's length and name (8), width (4), height (4).
    let head = STANDARD.decode(png.get(..32).context("a PNG of no size")?)?;
    ensure!(head.starts_with(b"\x89PNG\r\n\x1a\n") && head[12..16] == *b"IHDR", "no PNG");
    let width = u32::from_be_bytes(head[16..20].try_into().context("four bytes")?);
    Ok(usize::try_from(width)?)
}

/// The fewest modules of a Code 128 symbol, without quiet zones: start, check and stop, and one symbol
/// character for a character in set B, for two digits in set C, and for each change of the set.
fn code_128_modules(text: &[u8]) -> usize {
    const NEVER: usize = usize::MAX / 2;
    let (mut in_b, mut in_c) = (vec![NEVER; text.len() + 2], vec![NEVER; text.len() + 2]);
    (in_b[0], in_c[0]) = (0, 0);
    for at in 0..text.len() {
        let (from_b, from_c) = (in_b[at].min(in_c[at] + 1), in_c[at].min(in_b[at] + 1));
        in_b[at + 1] = in_b[at + 1].min(from_b + 1);
        if text[at..].len() >= 2 && text[at..at + 2].iter().all(u8::is_ascii_digit) {
            in_c[at + 2] = in_c[at + 2].min(from_c + 1);
        }
    }
    let data = in_b[text.len()].min(in_c[text.len()]);
    (data + 2) * 11 + 13
}

/// Modules of the smallest QR code of level M that could hold a text, each character at the 3⅓ bits of a digit.
fn qr_modules_min(text: &str) -> usize {
    // Data bits at level M of versions 1 to 4; nothing here needs more.
    const BITS: [usize; 4] = [128, 224, 352, 512];
    let bits = text.len() * 10 / 3;
    let version = BITS.iter().position(|&room| bits <= room).map_or(4, |place| place + 1);
    17 + 4 * version
}

/// How many rows each table has and, when asked for, how many bytes each column.
pub fn tables(conn: &Connection, with_columns: bool) -> Result<BTreeMap<String, usize>> {
    let sql = "SELECT m.name, group_concat(c.name) FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' GROUP BY m.name";
    let mut statement = conn.prepare(sql)?;
    let found = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut sizes = BTreeMap::new();
    for table in found {
        let (table, columns) = table?;
        let mut add = |what: String, sql: String| -> Result<()> {
            let size: i64 = conn.query_row(&sql, [], |row| row.get(0))?;
            sizes.insert(what, usize::try_from(size)?);
            Ok(())
        };
        add(format!("rows of {table}"), format!("SELECT count(*) FROM {table}"))?;
        for column in columns.split(',').filter(|_| with_columns) {
            let sql = format!("SELECT ifnull(sum(octet_length({column})), 0) FROM {table}");
            add(format!("bytes of {table}.{column}"), sql)?;
        }
    }
    Ok(sizes)
}

/// Fails where two databases do not hold as much.
pub fn databases(of_server: &Connection, of_floor: &Connection, with_columns: bool) -> Result<()> {
    let (of_server, of_floor) = (tables(of_server, with_columns)?, tables(of_floor, with_columns)?);
    for (what, size) in &of_server {
        let Some(other) = of_floor.get(what) else {
            bail!("the floor's database has no {what}");
        };
        within_2_percent(what, *size, *other)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_known_symbols() {
        assert_eq!(code_128_modules(b"888888"), 68);
        assert_eq!(code_128_modules(&[b'8'; 36]), 233);
        assert_eq!(code_128_modules(b"DINCARD:KqZmRxWvQtLpNsYbHdFgCjQeAbCdEfGhIjKl"), 519);
    }

    #[test]
    fn answers_of_another_shape_are_told_apart() {
        let answer = |text| serde_json::from_str::<Value>(text).expect("JSON");
        assert!(shape(&answer(r#"{"a":[{"b":1}]}"#), &answer(r#"{"a":[{"b":2},{"b":3}]}"#)).is_ok());
        assert!(shape(&answer(r#"{"a":1}"#), &answer(r#"{"a":"1"}"#)).is_err());
        assert!(shape(&answer(r#"{"a":1}"#), &answer(r#"{"a":1,"c":true}"#)).is_err());
    }

    #[test]
    fn two_percent_is_two_percent() {
        assert!(within_2_percent("x", 100, 98).is_ok());
        assert!(within_2_percent("x", 98, 100).is_ok());
        assert!(within_2_percent("x", 100, 97).is_err());
        assert!(within_2_percent("x", 0, 0).is_ok());
    }
}
