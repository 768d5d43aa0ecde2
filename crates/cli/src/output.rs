//! What the program says: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};

use anyhow::{Context as _, Result};
use serde::Serialize;

/// Writes data as it is. A reader that has gone away, such as `head`, is no failure.
pub fn data(text: impl AsRef<[u8]>) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_ref()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Writes a value as JSON, for programs to read.
pub fn json(value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    data(text)
}

/// Tells the person at the terminal something. There is nobody to tell when that fails.
pub fn note(text: impl AsRef<str>) {
    let _unheard = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Writes rows in aligned columns under a heading, for people to read.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> Result<()> {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| printable(cell))).collect();
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let heading = Style::of_stdout().bold(&line(heading));
    data(rows.iter().fold(heading, |text, row| text + &line(row.each_ref().map(String::as_str))))
}

/// Writes names and their values, one pair a line.
pub fn fields(fields: &[(&str, &str)]) -> Result<()> {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, &str)| format!("{name:width$}  {}\n", printable(value));
    data(fields.iter().map(line).collect::<String>())
}

/// Text from elsewhere without what could steer a terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Whether and how a stream shows emphasis.
#[derive(Clone, Copy)]
pub struct Style {
    coloured: bool,
}

impl Style {
    /// For standard output.
    pub fn of_stdout() -> Self {
        Self::of(io::stdout().is_terminal())
    }

    /// For standard error.
    pub fn of_stderr() -> Self {
        Self::of(io::stderr().is_terminal())
    }

    fn of(is_terminal: bool) -> Self {
        // See no-color.org: any value but an empty one counts.
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { coloured: is_terminal && !refused }
    }

    /// Whether there is any emphasis.
    pub fn is_coloured(self) -> bool {
        self.coloured
    }

    /// Something to be seen first.
    pub fn bold(self, text: &str) -> String {
        self.wrapped("1", text)
    }

    /// Something that is well.
    pub fn green(self, text: &str) -> String {
        self.wrapped("32", text)
    }

    /// Something to look at.
    pub fn yellow(self, text: &str) -> String {
        self.wrapped("33", text)
    }

    /// Something that is wrong.
    pub fn red(self, text: &str) -> String {
        self.wrapped("31", text)
    }

    fn wrapped(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Whether somebody watches standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_not_printed() {
        assert_eq!(printable("a\u{1b}[2Jb\r"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(printable("Jörg 🎁"), "Jörg 🎁");
    }
}
