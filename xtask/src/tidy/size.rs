//! Sizes that a reader can hold.

use super::files::Source;
use super::{Fault, Rule, scan};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 500;
const LINE_CHARACTERS_MAX: usize = 120;

/// Above a function that is one long `match`, which is easier to read whole.
const WHOLE: &str = "// tidy: one match";

static FUNCTION: Rule =
    Rule { name: "function of at most 70 lines", reason: "it fits a screen, so that one sees all it does" };
static FILE: Rule =
    Rule { name: "file of at most 500 lines", reason: "a file about two things is found by neither name" };
static LINE: Rule = Rule {
    name: "line of at most 120 characters",
    reason: "two files fit side by side, and no diff is cut off",
};

pub fn check(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    let text: Vec<_> = source.file.text.lines().collect();
    if text.len() > FILE_LINES_MAX {
        faults.push(FILE.broken(&source.file.path, format!("{} lines", text.len())));
    }
    for (number, line) in (1..).zip(&text) {
        let characters = line.chars().count();
        if characters > LINE_CHARACTERS_MAX {
            faults.push(LINE.broken(source.place(number), format!("{characters} characters")));
        }
    }
    for function in scan::functions(&source.code) {
        let lines = function.lines.clone().count();
        if lines > FUNCTION_LINES_MAX && !is_whole(&text, *function.lines.start()) {
            let what = format!("{} has {lines} lines", function.name);
            faults.push(FUNCTION.broken(source.place(*function.lines.start()), what));
        }
    }
    faults
}

/// Whether the mark stands among the comments and attributes above this line.
fn is_whole(text: &[&str], line: usize) -> bool {
    let above = text[..line - 1].iter().rev().map(|line| line.trim());
    let own = |line: &&str| !line.is_empty() && !line.ends_with(['{', '}', ';']);
    above.take_while(own).any(|line| line == WHOLE)
}

#[cfg(test)]
mod tests {
    use super::super::files::File;
    use super::*;

    fn faults(text: String) -> Vec<String> {
        let file = File { path: "crates/domain/src/a.rs".to_owned(), text };
        check(&Source::new(&file))
            .into_iter()
            .map(|fault| format!("{}: {}", fault.place, fault.what))
            .collect()
    }

    fn function(above: &str, lines: usize) -> String {
        format!("{above}fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_has_at_most_70_lines() {
        assert_eq!(faults(function("", 70)), [""; 0]);
        assert_eq!(faults(function("", 71)), ["crates/domain/src/a.rs:1: f has 71 lines"]);
    }

    #[test]
    fn a_marked_match_may_be_longer_but_its_neighbours_may_not() {
        let marked = function("// tidy: one match\n#[allow(\n    unused,\n)]\n", 90);
        assert_eq!(faults(marked.clone()), [""; 0]);
        assert_eq!(faults(marked + &function("", 90)), ["crates/domain/src/a.rs:95: f has 90 lines"]);
    }

    #[test]
    fn a_file_has_at_most_500_lines() {
        assert_eq!(faults("\n".repeat(500)), [""; 0]);
        assert_eq!(faults("\n".repeat(501)), ["crates/domain/src/a.rs: 501 lines"]);
    }

    #[test]
    fn a_line_has_at_most_120_characters() {
        assert_eq!(faults(format!("//{}\n", "é".repeat(118))), [""; 0]);
        assert_eq!(faults(format!("//{}\n", "é".repeat(119))), ["crates/domain/src/a.rs:1: 121 characters"]);
    }
}
