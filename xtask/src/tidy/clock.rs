//! What a function may not reach for by itself: time, the environment, a way round the tests.

use super::files::Source;
use super::{Fault, Rule, scan};

static CLOCK: Rule = Rule {
    name: "time only from service::clock",
    reason: "a test that cannot set the clock cannot test what a clock decides",
};
static ENVIRONMENT: Rule = Rule {
    name: "std::env only in cli",
    reason: "settings have one door, and code that reads no variables behaves the same everywhere",
};
static IGNORED: Rule = Rule {
    name: "no ignored test",
    reason: "a test that does not run proves nothing; GAVEKORT_TEST_LONG is for long ones",
};

/// Reading of a wall clock, which says what time it is.
const WALL: [&str; 4] = ["SystemTime::now", "Utc::now", "Timestamp::now", "Zoned::now"];
/// Reading of a clock that is good for durations only.
const STOPWATCH: &str = "Instant::now";

pub fn check(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, line) in source.lines() {
        if line.contains("#[ignore") {
            faults.push(IGNORED.broken(source.place(number), "#[ignore]"));
        }
        if source.is_test(number) {
            continue;
        }
        for call in WALL.into_iter().chain([STOPWATCH]).filter(|call| !may_read(call, &source.file.path)) {
            if scan::words(line, call).next().is_some() {
                faults.push(CLOCK.broken(source.place(number), call));
            }
        }
    }
    faults.extend(ignored_examples(source));
    if !["crates/cli/", "xtask/", "bench/"].iter().any(|folder| source.file.path.starts_with(folder)) {
        let uses = environment(&source.code).into_iter().filter(|&line| !source.is_test(line));
        faults.extend(uses.map(|line| ENVIRONMENT.broken(source.place(line), "std::env")));
    }
    faults
}

fn may_read(call: &str, path: &str) -> bool {
    // A commit, a connection, a request and a run of the program are timed where they happen: no rule hangs on it.
    let timed = ["crates/store/src/", "crates/web/src/", "crates/cli/src/"];
    let times_itself = call == STOPWATCH && timed.iter().any(|folder| path.starts_with(folder));
    let measures = ["xtask/", "bench/"].iter().any(|folder| path.starts_with(folder));
    times_itself || measures || path == "crates/service/src/clock.rs"
}

/// Lines that name `std::env`, also by `use std::{env, …}`. The macro `std::env!` reads at build
/// time and is no matter of settings.
fn environment(code: &str) -> Vec<usize> {
    let named = scan::words(code, "std::env").filter(|at| !code[at + "std::env".len()..].starts_with('!'));
    let mut lines: Vec<_> = named.map(|at| scan::line(code, at)).collect();
    for (at, _) in code.match_indices("use std::{") {
        let Some((_, end)) = scan::block(&code[at..]) else {
            continue;
        };
        let list = &code[at..at + end];
        lines.extend(scan::words(list, "env").map(|word| scan::line(code, at + word)));
    }
    lines
}

/// Examples in the documentation that are marked not to run: `cargo test` counts them as ignored.
fn ignored_examples(source: &Source) -> Vec<Fault> {
    let marks = |line: &str| {
        let fence = line.trim().strip_prefix("//").and_then(|line| line.split_once("```"));
        fence.is_some_and(|(_, language)| language.split(',').any(|word| word.trim() == "ignore"))
    };
    let lines = (1..).zip(source.file.text.lines()).filter(|(_, line)| marks(line));
    lines.map(|(number, _)| IGNORED.broken(source.place(number), "an example marked `ignore`")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::files::File;
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<String> {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        check(&Source::new(&file))
            .into_iter()
            .map(|fault| format!("{} {}", fault.place, fault.what))
            .collect()
    }

    #[test]
    fn the_clock_is_read_in_one_place() {
        let text = "fn f() {\n    let t = jiff::Timestamp::now();\n}\n";
        assert_eq!(lines("crates/domain/src/a.rs", text), ["crates/domain/src/a.rs:2 Timestamp::now"]);
        assert_eq!(lines("crates/service/src/clock.rs", text), [""; 0]);
        assert_eq!(lines("crates/web/tests/it/main.rs", text), [""; 0]);
        assert_eq!(lines("xtask/src/bench/main.rs", text), [""; 0]);
    }

    #[test]
    fn the_committer_measures_but_does_not_tell_the_time() {
        let committer = "crates/store/src/committer/mod.rs";
        assert_eq!(lines(committer, "let t = Instant::now();\n"), [""; 0]);
        assert_eq!(lines(committer, "let t = SystemTime::now();\n").len(), 1);
        assert_eq!(lines("crates/service/src/lib.rs", "let t = Instant::now();\n").len(), 1);
    }

    #[test]
    fn comments_strings_and_test_modules_may_name_a_clock() {
        let text = "// Instant::now\nlet x = \"Instant::now\";\n\
                    #[cfg(test)]\nmod tests {\n    let t = Instant::now();\n}\n";
        assert_eq!(lines("crates/domain/src/a.rs", text), [""; 0]);
    }

    #[test]
    fn the_environment_is_read_in_cli_however_it_is_imported() {
        for text in [
            "let x = std::env::var(y);\n",
            "use std::env;\n",
            "use std::{env, fs};\n",
            "use std::{\n    env,\n};\n",
        ] {
            assert_eq!(lines("crates/web/src/a.rs", text).len(), 1, "{text}");
            assert_eq!(lines("crates/cli/src/a.rs", text), [""; 0]);
        }
        assert_eq!(lines("crates/web/src/a.rs", "let x = std::env!(y);\nuse std::{fs, io};\n"), [""; 0]);
    }

    #[test]
    fn no_test_is_ignored_not_even_an_example() {
        let text = "/// ```ignore\n/// f()\n/// ```\n#[ignore = \"slow\"]\nfn f() {}\n";
        assert_eq!(
            lines("crates/web/tests/a.rs", text),
            ["crates/web/tests/a.rs:4 #[ignore]", "crates/web/tests/a.rs:1 an example marked `ignore`"]
        );
    }
}
