//! What has been done so far, beside the output, so that a run goes on where it was interrupted.
//!
//! The first line says what is to be made, under a random name of the run from which each batch's
//! `Idempotency-Key` is derived. Each further line says that the rows of one batch are in the output, and where
//! they end. A batch without such a line is asked for again: under the same key the server answers the same
//! cards, whether it had made them or not.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::plan::Plan;
use super::sheet::unwritten;
use crate::exit::{Exit, Failure};
use crate::{files, random};

const FORMAT: &str = "gavekort-issue/1";

/// The file, locked while this process works with it.
pub struct Journal {
    file: File,
    path: PathBuf,
    run: Uuid,
    /// Where the first line ends.
    heading_end: u64,
    /// How many batches are in the output.
    pub done: u64,
    /// Where their rows end.
    pub rows_end: u64,
}

#[derive(Serialize, Deserialize)]
struct Heading {
    journal: String,
    run: Uuid,
    plan: Plan,
}

#[derive(Serialize, Deserialize)]
struct Done {
    batch: u64,
    end: u64,
}

impl Journal {
    /// The journal that belongs to an output file.
    pub fn path_of(output: &Path) -> PathBuf {
        let mut name = output.as_os_str().to_owned();
        name.push(".progress");
        PathBuf::from(name)
    }

    /// The journal of an interrupted run with this plan, if there is one; refused where its plan is another.
    pub fn find(output: &Path, plan: &Plan) -> Result<Option<Self>> {
        let path = Self::path_of(output);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(|| format!("cannot open {}", path.display()))?,
        };
        lock(&file, &path)?;
        let mut text = String::new();
        (&file).read_to_string(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
        Self::read(file, path, &text, plan).map(Some)
    }

    /// Begins a journal, durably, before anything is asked for.
    pub fn begin(output: &Path, plan: &Plan) -> Result<Self> {
        let path = Self::path_of(output);
        let heading = Heading { journal: FORMAT.to_owned(), run: random::uuid(), plan: plan.clone() };
        let mut line = serde_json::to_vec(&heading)?;
        line.push(b'\n');
        files::write_private_new(&path, &line).with_context(|| format!("cannot write {}", path.display()))?;
        let journal = Self::find(output, plan)?;
        journal.with_context(|| format!("{} was removed", path.display()))
    }

    fn read(file: File, path: PathBuf, text: &str, plan: &Plan) -> Result<Self> {
        // A line without its end was being written when the run was killed.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let mut lines = whole.lines();
        let first = lines.next().unwrap_or_default();
        let heading: Heading = serde_json::from_str(first)
            .ok()
            .filter(|heading: &Heading| heading.journal == FORMAT)
            .with_context(|| format!("{} is not a journal of this program", path.display()))?;
        let differences = heading.plan.differences(plan);
        if !differences.is_empty() {
            let name = path.display();
            let what = format!(
                "{name} is of an interrupted run that differs in {}; repeat that command to finish it, or remove \
                 {name} to forget it",
                differences.join(", ")
            );
            return Err(Failure::new(Exit::Declined, what).into());
        }
        let heading_end = u64::try_from(first.len() + 1)?;
        let mut journal = Self { file, path, run: heading.run, heading_end, done: 0, rows_end: 0 };
        for line in lines {
            let done: Done = serde_json::from_str(line)
                .ok()
                .filter(|done: &Done| done.batch == journal.done && done.end > journal.rows_end)
                .with_context(|| format!("{} is damaged", journal.path.display()))?;
            (journal.done, journal.rows_end) = (done.batch + 1, done.end);
        }
        journal.cut(u64::try_from(whole.len())?)?;
        Ok(journal)
    }

    /// Forgets what was done, for want of the rows; the run keeps its name, and so its cards.
    pub fn start_over(&mut self) -> Result<()> {
        self.cut(self.heading_end)?;
        (self.done, self.rows_end) = (0, 0);
        Ok(())
    }

    /// The key under which a batch of this run is asked for, however often.
    pub fn idempotency_key(&self, batch: u64) -> String {
        format!("{}-{batch}", self.run.simple())
    }

    /// Remembers, durably, that the next batch's rows are in the output and where they end.
    pub fn note_done(&mut self, rows_end: u64) -> Result<()> {
        let mut line = serde_json::to_vec(&Done { batch: self.done, end: rows_end })?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.map_err(|error| unwritten(&self.path, &error))?;
        (self.done, self.rows_end) = (self.done + 1, rows_end);
        Ok(())
    }

    /// Removes the journal of a finished run.
    pub fn finish(self) -> Result<()> {
        let removed = fs::remove_file(&self.path).and_then(|()| files::sync_folder_of(&self.path));
        removed.with_context(|| format!("cannot remove {}", self.path.display()))
    }

    fn cut(&mut self, end: u64) -> Result<()> {
        let cut = self.file.set_len(end).and_then(|()| self.file.sync_all());
        let there = cut.and_then(|()| self.file.seek(SeekFrom::Start(end)));
        there.map(|_| ()).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => bail!("{} is in use by another process", path.display()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit;

    fn plan(count: u64) -> Plan {
        serde_json::from_value(serde_json::json!({
            "url": "u", "account": "a", "client_id": "c", "prefix": "p", "first": 1, "count": count,
            "batch_size": 10, "options": {},
        }))
        .expect("a plan")
    }

    #[test]
    fn a_journal_reads_back_as_it_was_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("cards.csv");
        assert!(Journal::find(&output, &plan(30)).expect("no fault").is_none());
        let mut journal = Journal::begin(&output, &plan(30)).expect("begun");
        let key = journal.idempotency_key(2);
        journal.note_done(100).expect("noted");
        journal.note_done(250).expect("noted");
        assert!(Journal::find(&output, &plan(30)).is_err(), "locked by this very test");
        drop(journal);

        let path = Journal::path_of(&output);
        let mut text = fs::read(&path).expect("the file");
        text.extend_from_slice(b"{\"batch\":2,\"en");
        fs::write(&path, &text).expect("half a line");
        let mut journal = Journal::find(&output, &plan(30)).expect("no fault").expect("a journal");
        assert_eq!((journal.done, journal.rows_end, journal.idempotency_key(2)), (2, 250, key.clone()));
        journal.note_done(300).expect("noted after the half line was cut");
        drop(journal);

        let mut journal = Journal::find(&output, &plan(30)).expect("no fault").expect("a journal");
        assert_eq!((journal.done, journal.rows_end), (3, 300));
        journal.start_over().expect("cut");
        assert_eq!((journal.done, journal.rows_end, journal.idempotency_key(2)), (0, 0, key));
        journal.finish().expect("removed");
        assert!(!path.exists());
    }

    #[test]
    fn another_plan_and_a_damaged_journal_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("cards.csv");
        drop(Journal::begin(&output, &plan(30)).expect("begun"));
        let error = Journal::find(&output, &plan(31)).err().expect("refused");
        assert_eq!(exit::of(&error), Exit::Declined);
        assert!(error.to_string().contains("--count"), "{error}");
        fs::write(Journal::path_of(&output), "nonsense\n").expect("written");
        assert!(Journal::find(&output, &plan(30)).is_err());
    }
}
