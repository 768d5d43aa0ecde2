//! Rules of the project that no compiler knows. Each says why it exists when it is broken.

mod clock;
mod docs;
mod files;
mod imports;
mod links;
mod scan;
mod size;
mod words;

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::context::Context;
use files::Source;

/// A rule, told together with its reason.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    name: &'static str,
    reason: &'static str,
}

/// One place that breaks a rule.
#[derive(Debug)]
struct Fault {
    rule: &'static Rule,
    /// `path:line`, or what else leads there.
    place: String,
    what: String,
}

impl Rule {
    fn broken(&'static self, place: impl Into<String>, what: impl Into<String>) -> Fault {
        Fault { rule: self, place: place.into(), what: what.into() }
    }
}

/// `cargo xtask tidy`: tells the faults and whether there are none.
pub fn run(context: &Context) -> Result<bool> {
    match check(context) {
        Ok(()) => {
            println!("tidy");
            Ok(true)
        }
        Err(error) => {
            println!("{error:#}");
            Ok(false)
        }
    }
}

/// Fails when any rule is broken, after telling all faults.
pub fn check(context: &Context) -> Result<()> {
    let files = files::list(context)?;
    let mut faults = imports::check(&context.metadata)?;
    for file in &files {
        faults.extend(words::check(file));
        if file.path.ends_with(".rs") {
            let source = Source::new(file);
            faults.extend(size::check(&source));
            faults.extend(clock::check(&source));
        }
    }
    faults.extend(docs::check(&context.root, &files));
    if faults.is_empty() {
        return Ok(());
    }
    tell(&faults);
    bail!("places that break a rule: {}", faults.len())
}

fn tell(faults: &[Fault]) {
    let mut rules = BTreeMap::<_, Vec<_>>::new();
    for fault in faults {
        rules.entry(fault.rule).or_default().push(fault);
    }
    for (rule, faults) in rules {
        println!("{}: {}", rule.name, rule.reason);
        for Fault { place, what, .. } in faults {
            println!("    {place}: {what}");
        }
    }
}
