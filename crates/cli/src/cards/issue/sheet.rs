//! The output: a CSV file with a row for each card, in the order of their numbers.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::plan::Plan;
use crate::exit::{Exit, Failure};
use crate::files;

/// The columns there always are; `barcode` and `qr` follow where the cards have them.
const COLUMNS: [&str; 5] = ["sequence", "card_id", "token", "pin", "batch_id"];

/// Which pictures each row has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// A Code 128 barcode of the token.
    pub barcode: bool,
    /// A QR code of the token.
    pub qr: bool,
}

/// The answer to a batch call, as far as the output needs it.
#[derive(Deserialize)]
pub struct Batch {
    cards: Vec<Card>,
}

#[derive(Deserialize)]
struct Card {
    card_id: String,
    batch_id: Option<String>,
    pin: Pin,
    card_token: Token,
}

#[derive(Deserialize)]
struct Pin {
    pin: Code,
}

#[derive(Deserialize)]
struct Token {
    token: Code,
}

#[derive(Deserialize)]
struct Code {
    value: String,
    barcode_128: Option<String>,
    qr: Option<String>,
}

/// The file and where its next row goes.
pub struct Sheet {
    file: File,
    path: PathBuf,
    end: u64,
}

impl Sheet {
    /// Begins a file; fails where there is one.
    pub fn create(path: &Path, pictures: Pictures) -> Result<Self> {
        let file = files::create_private(path).with_context(|| format!("cannot make {}", path.display()))?;
        files::sync_folder_of(path)?;
        let mut sheet = Self { file, path: path.to_owned(), end: 0 };
        let mut heading = COLUMNS.to_vec();
        heading.extend(pictures.barcode.then_some("barcode"));
        heading.extend(pictures.qr.then_some("qr"));
        sheet.append(&rows([heading])?)?;
        Ok(sheet)
    }

    /// Goes on behind `end`, and drops what a killed run wrote after it. None where the file ends before.
    pub fn reopen(path: &Path, end: u64) -> Result<Option<Self>> {
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(|| format!("cannot open {}", path.display()))?,
        };
        if end == 0 || file.metadata()?.len() < end {
            return Ok(None);
        }
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        Ok(Some(Self { file, path: path.to_owned(), end }))
    }

    /// Appends whole rows, durably; answers where they end.
    pub fn append(&mut self, rows: &[u8]) -> Result<u64> {
        let written = self.file.write_all(rows).and_then(|()| self.file.sync_data());
        written.map_err(|error| unwritten(&self.path, &error))?;
        self.end += u64::try_from(rows.len())?;
        Ok(self.end)
    }
}

/// A write that failed, which it may not once there is room: what was written before is kept.
pub fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::RetryLater, format!("cannot write {}: {error}", path.display()))
}

/// The rows of a batch, which must be of just the cards that were asked for.
pub fn batch_rows(plan: &Plan, pictures: Pictures, batch: u64, answer: Batch) -> Result<Vec<u8>> {
    let numbers = plan.numbers(batch);
    let asked = usize::try_from(numbers.end - numbers.start)?;
    ensure!(answer.cards.len() == asked, "the server answered {} cards for {asked}", answer.cards.len());
    let mut cells = Vec::with_capacity(asked);
    for (number, card) in numbers.zip(answer.cards) {
        let card_id = plan.card_id(number);
        ensure!(card.card_id == card_id, "the server answered {:?} for {card_id}", card.card_id);
        let token = card.card_token.token;
        let batch_id = card.batch_id.unwrap_or_default();
        let mut row = vec![number.to_string(), card_id, token.value, card.pin.pin.value, batch_id];
        row.extend(pictures.barcode.then(|| token.barcode_128.unwrap_or_default()));
        row.extend(pictures.qr.then(|| token.qr.unwrap_or_default()));
        cells.push(row);
    }
    rows(cells)
}

fn rows<R: IntoIterator<Item = C>, C: AsRef<[u8]>>(cells: impl IntoIterator<Item = R>) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in cells {
        writer.write_record(row)?;
    }
    writer.into_inner().context("a row could not be written")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn plan() -> Plan {
        serde_json::from_value(json!({
            "url": "u", "account": "a", "client_id": "c", "prefix": "a,b-", "first": 1, "count": 2,
            "batch_size": 2, "options": {},
        }))
        .expect("a plan")
    }

    fn answer(ids: &[&str]) -> Batch {
        let card = |id: &&str| {
            json!({
                "card_id": id, "batch_id": "b",
                "pin": {"pin": {"value": "0042"}}, "card_token": {"token": {"value": "1234"}},
            })
        };
        serde_json::from_value(json!({"cards": ids.iter().map(card).collect::<Vec<_>>()})).expect("an answer")
    }

    #[test]
    fn rows_are_quoted_where_they_must_be() {
        let rows = batch_rows(&plan(), Pictures::default(), 0, answer(&["a,b-000001", "a,b-000002"]));
        let expected = "1,\"a,b-000001\",1234,0042,b\n2,\"a,b-000002\",1234,0042,b\n";
        assert_eq!(String::from_utf8(rows.expect("rows")).as_deref(), Ok(expected));
    }

    #[test]
    fn other_cards_than_those_asked_for_are_not_taken() {
        for ids in [&["a,b-000001"][..], &["a,b-000002", "a,b-000001"]] {
            assert!(batch_rows(&plan(), Pictures::default(), 0, answer(ids)).is_err(), "{ids:?}");
        }
    }

    #[test]
    fn what_was_written_after_the_last_whole_batch_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cards.csv");
        let mut sheet = Sheet::create(&path, Pictures { barcode: true, qr: false }).expect("made");
        let end = sheet.append(b"1,a\n").expect("written");
        sheet.append(b"2,b\n3").expect("written");
        drop(sheet);
        let mut sheet = Sheet::reopen(&path, end).expect("no fault").expect("long enough");
        sheet.append(b"2,c\n").expect("written");
        let text = fs::read_to_string(&path).expect("the file");
        assert_eq!(text, "sequence,card_id,token,pin,batch_id,barcode\n1,a\n2,c\n");
        assert!(Sheet::reopen(&path, 1_000).expect("no fault").is_none());
        assert_eq!(files::mode_open_to_others(&path).expect("a file"), None);
    }
}
