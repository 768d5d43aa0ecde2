//! `cargo xtask mutants`: whether the tests of the money rules would find a fault in them.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::context::Context;
use crate::install::MUTANTS;

/// The rules of money and PINs, below the sources of `domain`.
const FILES: [&str; 8] = [
    "command/money.rs",
    "day.rs",
    "decide/*.rs",
    "lock.rs",
    "money.rs",
    "pin.rs",
    "transaction.rs",
    "world.rs",
];

/// Faults that no test can find, each below a line with the reason.
const EXCUSED: &str = "crates/domain/mutants.txt";

/// Makes one fault after the other, of those files unless the arguments name others. Tells whether the tests found
/// all of them.
pub fn run(context: &Context, arguments: &[OsString]) -> Result<bool> {
    MUTANTS.install(context)?;
    let excused = fs::read_to_string(context.root.join(EXCUSED)).context(EXCUSED)?;
    let excused = read(&excused)?;
    let mut mutants = context.command(MUTANTS.program(context));
    mutants.args(["mutants", "--no-config", "--package", "domain", "--no-shuffle", "--output"]);
    mutants.arg(&context.target);
    if !arguments.iter().any(|argument| argument == "--file") {
        for file in FILES {
            mutants.arg("--file").arg(format!("crates/domain/src/{file}"));
        }
    }
    let status = mutants.args(arguments).status().context("cannot start cargo-mutants")?;
    match status.code() {
        // After some faults a test never ends, which nobody overlooks.
        Some(0 | 3) => return Ok(true),
        Some(2) => {}
        _ => bail!("cargo-mutants: {status}"),
    }
    let missed = fs::read_to_string(context.target.join("mutants.out/missed.txt"))?;
    let missed: Vec<&str> = missed.lines().filter(|line| !excused.contains(&without_place(line))).collect();
    missed.iter().for_each(|line| println!("no test finds: {line}"));
    Ok(missed.is_empty())
}

/// The faults of the list; one without a reason above it is no excuse.
fn read(list: &str) -> Result<HashSet<String>> {
    let mut excused = HashSet::new();
    let mut above = "";
    for line in list.lines() {
        if !line.is_empty() && !line.starts_with('#') {
            if above.is_empty() {
                bail!("{EXCUSED}: no reason for {line}");
            }
            excused.insert(line.to_owned());
        }
        above = line;
    }
    Ok(excused)
}

/// `file.rs:12:34: what` without the numbers, which change with every line above.
fn without_place(line: &str) -> String {
    let mut parts = line.splitn(4, ':');
    match [(); 4].map(|()| parts.next()) {
        [Some(file), Some(_), Some(_), Some(what)] => format!("{file}:{what}"),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_excused_wherever_it_stands_in_its_file() {
        let excused = read("# It cannot be seen.\na.rs: replace < with <= in A::b\n").expect("a list");
        assert!(excused.contains(&without_place("a.rs:7:12: replace < with <= in A::b")));
        assert!(!excused.contains(&without_place("b.rs:7:12: replace < with <= in A::b")));
    }

    #[test]
    fn a_fault_without_a_reason_is_not_excused() {
        for list in ["a.rs: x\n", "# Why.\n\na.rs: x\n"] {
            read(list).expect_err("no reason");
        }
        assert_eq!(read("# Why, of both.\na.rs: x\na.rs: y\n").expect("a list").len(), 2);
    }
}
