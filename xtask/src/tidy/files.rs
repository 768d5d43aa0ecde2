//! The files that the project consists of.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::scan;
use crate::context::Context;

/// A text file, by its path from the root with `/` between folders.
#[derive(Debug)]
pub struct File {
    pub path: String,
    pub text: String,
}

/// A Rust file, read for its code alone.
pub struct Source<'f> {
    pub file: &'f File,
    /// The text with comments, strings and characters blanked out; every byte stays in its place.
    pub code: String,
    /// The lines, from 1, of modules and functions under `#[cfg(test)]`.
    tests: Vec<RangeInclusive<usize>>,
}

impl<'f> Source<'f> {
    pub fn new(file: &'f File) -> Self {
        let code = scan::blank(&file.text);
        let tests = scan::test_lines(&code);
        Self { file, code, tests }
    }

    /// Whether this line, from 1, is compiled into tests only.
    pub fn is_test(&self, line: usize) -> bool {
        is_test_path(&self.file.path) || self.tests.iter().any(|lines| lines.contains(&line))
    }

    /// The code's lines, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines())
    }

    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.file.path)
    }
}

fn is_test_path(path: &str) -> bool {
    // Servers for tests, which no part of the program may import.
    path.starts_with("crates/cluster/")
        || path.split('/').any(|part| matches!(part, "tests" | "benches" | "examples" | "tests.rs"))
}

/// Every file that is committed or would be by `git add --all`, but for binary ones.
pub fn list(context: &Context) -> Result<Vec<File>> {
    let mut git = context.command("git");
    // The checkout may belong to another user than the one who tests it, a container's for instance.
    git.arg("-c").arg(format!("safe.directory={}", context.root.display()));
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let answer = git.output().context("cannot start git")?;
    if !answer.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&answer.stderr).trim_end());
    }
    let names = String::from_utf8(answer.stdout).context("a file name is not UTF-8")?;
    let mut files: Vec<_> = names
        .split_terminator('\0')
        .filter_map(|path| read(&context.root, path).transpose())
        .collect::<Result<_>>()?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// None for a binary file, and for one that is deleted but not yet from the index.
fn read(root: &Path, path: &str) -> Result<Option<File>> {
    let full = root.join(path);
    if !full.is_file() {
        return Ok(None);
    }
    let bytes = fs::read(&full).with_context(|| path.to_owned())?;
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    Ok(text.map(|text| File { path: path.to_owned(), text }))
}
