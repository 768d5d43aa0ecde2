//! `docs/openapi.json` is what the program prints, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::context::Context;

const FILE: &str = "docs/openapi.json";

/// Writes the file anew.
pub fn write(context: &Context) -> Result<()> {
    let document = printed(context)?;
    fs::write(context.root.join(FILE), document).context(FILE)
}

/// Fails when the file is not what the program prints.
pub fn check(context: &Context) -> Result<()> {
    let document = printed(context)?;
    let file = fs::read(context.root.join(FILE))
        .with_context(|| format!("{FILE} is missing: run `cargo xtask openapi` and commit it"))?;
    if file == document {
        return Ok(());
    }
    let same = file.iter().zip(&document).take_while(|(ours, theirs)| ours == theirs).count();
    let line = 1 + document[..same].iter().filter(|&&byte| byte == b'\n').count();
    bail!(
        "{FILE} is not what the program prints, from line {line} on: run `cargo xtask openapi` and commit it"
    )
}

fn printed(context: &Context) -> Result<Vec<u8>> {
    let program = build(context)?;
    let answer = context.command(&program).arg("openapi").stderr(Stdio::inherit()).output()?;
    if !answer.status.success() {
        bail!("gavekort openapi: {}", answer.status);
    }
    if answer.stdout.is_empty() {
        bail!("gavekort openapi printed nothing");
    }
    Ok(answer.stdout)
}

/// Builds the program together with every test, which is just what `cargo test --workspace` builds:
/// asking for the program alone selects other features of shared crates and so compiles them twice.
fn build(context: &Context) -> Result<PathBuf> {
    let answer = context
        .cargo()
        .args(["build", "--workspace", "--tests", "--bin=gavekort", "--locked", "--keep-going"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("cargo build")?;
    // A test that does not compile is the suite's business: what counts here is whether the
    // program was built by this very call. A binary left over from an earlier one is not listed.
    String::from_utf8_lossy(&answer.stdout)
        .lines()
        .find_map(executable)
        .context("the program does not compile")
}

/// The path in cargo's message that the program's binary is up to date.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let program = message["target"]["name"] == "gavekort" && message["profile"]["test"] == false;
    let path = message["executable"].as_str().filter(|_| program)?;
    Some(Path::new(path).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_itself_is_taken_for_the_program() {
        let program = r#"{"target":{"name":"gavekort"},"profile":{"test":false},"executable":"/x/gavekort"}"#;
        let its_tests =
            r#"{"target":{"name":"gavekort"},"profile":{"test":true},"executable":"/x/gavekort-1"}"#;
        let library = r#"{"target":{"name":"domain"},"profile":{"test":false},"executable":null}"#;
        assert_eq!(executable(program), Some("/x/gavekort".into()));
        assert_eq!(executable(its_tests), None);
        assert_eq!(executable(library), None);
    }
}
