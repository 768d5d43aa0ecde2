//! Words that lead out of the project.

use super::files::File;
use super::{Fault, Rule};

static PATHS: Rule = Rule {
    name: "no path of a build machine",
    reason: "it exists on one machine only and tells readers nothing",
};
static HOSTS: Rule = Rule {
    name: "no package registry's host",
    reason: "package managers know where to fetch; who uses a mirror must not have to edit files",
};

/// Put together from pieces, so that this file does not break the rule it keeps.
fn patterns() -> [(&'static Rule, String); 8] {
    let path = |folder: &str| format!("/{folder}/");
    [
        (&PATHS, path("work")),
        (&PATHS, path("root")),
        (&HOSTS, ["index", "crates", "io"].join(".")),
        (&HOSTS, ["static", "crates", "io"].join(".")),
        (&HOSTS, ["pypi", "org"].join(".")),
        (&HOSTS, ["files", "pythonhosted", "org"].join(".")),
        (&HOSTS, ["registry", "npmjs", "org"].join(".")),
        (&HOSTS, ["deb", "debian", "org"].join(".")),
    ]
}

pub fn check(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (rule, pattern) in patterns() {
        if !file.text.contains(&pattern) {
            continue;
        }
        for (number, line) in (1..).zip(file.text.lines()) {
            if line.match_indices(&pattern).any(|(at, _)| starts_here(&line[..at])) {
                faults.push(rule.broken(format!("{}:{number}", file.path), pattern.clone()));
            }
        }
    }
    faults
}

/// Whether what follows starts by itself: a longer path or name may well end like a forbidden one.
fn starts_here(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let file = File { path: "README.md".to_owned(), text: text.to_owned() };
        check(&file).into_iter().map(|fault| fault.place).collect()
    }

    #[test]
    fn every_pattern_is_found() {
        for (_, pattern) in patterns() {
            assert_eq!(lines(&format!("see\nthe \"{pattern}x\"\n")), ["README.md:2"], "{pattern}");
        }
    }

    #[test]
    fn longer_paths_and_names_are_others() {
        let folder = ["docs", "work", "today"].join("/");
        let host = ["my-pypi", "org"].join(".");
        let lock = "registry+https://github.com/rust-lang/crates.io-index";
        assert_eq!(lines(&format!("{folder} {host} {lock}\n")), [""; 0]);
    }
}
