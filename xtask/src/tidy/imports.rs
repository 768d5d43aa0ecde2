//! Which crate may know which.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Fault, Rule};

static DOWNWARD: Rule = Rule {
    name: "imports go only downward",
    reason: "a layer that knows nothing of those above it can be tested and changed alone",
};
static RESERVED: Rule = Rule {
    name: "one crate for one concern",
    reason: "only web knows HTTP, only store SQL, only print pictures; domain is free of input and output",
};

/// Each package with those of ours that its normal and build dependencies may name. For its tests
/// a package may import more, but `domain` never does.
const LAYERS: [(&str, &[&str]); 9] = [
    ("domain", &[]),
    ("print", &["domain"]),
    ("store", &["domain"]),
    ("service", &["domain", "store", "print"]),
    ("web", &["domain", "service", "print"]),
    ("cli", &["domain", "store", "print", "service", "web"]),
    ("xtask", &["domain", "store", "print", "service", "cluster"]),
    // Benchmarks set the program against the bare work of a layer.
    ("bench", &["domain", "print", "cluster"]),
    // Servers for tests: no layer of the program may lean on it.
    ("cluster", &[]),
];

/// Foreign crates with the only packages of ours that may use them outside tests.
const CONCERNS: [(&[&str], &[&str]); 5] = [
    (&["axum", "hyper", "hyper-util"], &["web", "cli"]),
    (&["rusqlite", "tokio-postgres"], &["store", "bench", "cluster"]),
    (&["png", "qrcode", "code128"], &["print"]),
    (&["serde_json"], &["web", "service", "cli", "xtask", "bench"]),
    (&["tokio", "getrandom"], &["store", "print", "service", "web", "cli", "xtask", "bench", "cluster"]),
];

/// A dependency as a `Cargo.toml` names it.
struct Edge<'m> {
    from: &'m str,
    to: &'m str,
    /// A path dependency, which is one of ours.
    ours: bool,
    tests_only: bool,
}

pub fn check(metadata: &Value) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().context("cargo metadata without packages")? {
        let name = package["name"].as_str().context("a package without a name")?;
        if !LAYERS.iter().any(|(layer, _)| *layer == name) {
            faults.push(DOWNWARD.broken(name, "has no place among the layers in xtask/src/tidy/imports.rs"));
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let edge = Edge {
                from: name,
                to: dependency["name"].as_str().context("a dependency without a name")?,
                ours: dependency["path"].is_string(),
                tests_only: dependency["kind"] == "dev",
            };
            faults.extend(edge.fault());
        }
    }
    Ok(faults)
}

impl Edge<'_> {
    fn fault(&self) -> Option<Fault> {
        let rule = if self.ours { &DOWNWARD } else { &RESERVED };
        let allowed = match self.ours {
            true => self.is_downward() || (self.tests_only && self.from != "domain"),
            false => self.is_by_its_owner() || self.tests_only,
        };
        (!allowed).then(|| rule.broken(self.from, format!("may not depend on {}", self.to)))
    }

    fn is_downward(&self) -> bool {
        LAYERS.iter().any(|(from, below)| *from == self.from && below.contains(&self.to))
    }

    fn is_by_its_owner(&self) -> bool {
        CONCERNS.iter().all(|(crates, owners)| !crates.contains(&self.to) || owners.contains(&self.from))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(from: &str, to: &str, ours: bool, kind: Option<&str>) -> Vec<String> {
        let dependency = json!({"name": to, "kind": kind, "path": ours.then_some("crates")});
        let metadata = json!({"packages": [{"name": from, "dependencies": [dependency]}]});
        let faults = check(&metadata).expect("well-formed metadata");
        faults.into_iter().map(|fault| format!("{} {}", fault.place, fault.what)).collect()
    }

    #[test]
    fn a_layer_imports_only_those_below() {
        for (from, to) in [
            ("store", "domain"),
            ("service", "store"),
            ("web", "service"),
            ("cli", "web"),
            ("xtask", "store"),
            ("bench", "cluster"),
        ] {
            assert_eq!(faults(from, to, true, None), [""; 0]);
        }
        for (from, to) in [
            ("domain", "store"),
            ("print", "store"),
            ("store", "service"),
            ("web", "store"),
            ("xtask", "web"),
            ("cli", "cluster"),
            ("cluster", "store"),
        ] {
            assert_eq!(faults(from, to, true, None), [format!("{from} may not depend on {to}")]);
        }
        assert_eq!(faults("store", "web", true, Some("build")).len(), 1);
    }

    #[test]
    fn tests_may_import_more_but_not_those_of_domain() {
        assert_eq!(faults("store", "service", true, Some("dev")), [""; 0]);
        assert_eq!(faults("cli", "cluster", true, Some("dev")), [""; 0]);
        assert_eq!(faults("web", "rusqlite", false, Some("dev")), [""; 0]);
        assert_eq!(faults("domain", "store", true, Some("dev")).len(), 1);
    }

    #[test]
    fn a_concern_belongs_to_one_crate() {
        for (from, to) in [
            ("web", "axum"),
            ("store", "rusqlite"),
            ("print", "png"),
            ("service", "serde_json"),
            ("domain", "uuid"),
        ] {
            assert_eq!(faults(from, to, false, None), [""; 0]);
        }
        for (from, to) in [
            ("service", "axum"),
            ("cli", "rusqlite"),
            ("web", "qrcode"),
            ("store", "serde_json"),
            ("domain", "tokio"),
        ] {
            assert_eq!(faults(from, to, false, None), [format!("{from} may not depend on {to}")]);
        }
    }

    #[test]
    fn a_new_package_needs_a_place() {
        assert_eq!(faults("extra", "uuid", false, None).len(), 1);
    }
}
