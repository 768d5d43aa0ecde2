//! Counts tests from the lines that `cargo test` prints.

use std::iter::Sum;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, count| Self {
            passed: sum.passed + count.passed,
            failed: sum.failed + count.failed,
        })
    }
}

/// Reads the output of `cargo test` line by line.
#[derive(Default)]
pub struct Tally {
    count: Count,
    /// What went wrong, in the order it was seen.
    faults: Vec<String>,
    /// The test program that has started and not yet told its result.
    running: Option<String>,
}

impl Tally {
    pub fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result: ") {
            self.result(rest);
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            let program = self.running.as_deref().unwrap_or("?");
            self.faults.push(format!("{program}: {name}"));
        } else if let Some(program) = started(line) {
            self.no_result();
            self.running = Some(program);
        }
    }

    /// `ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s`
    fn result(&mut self, line: &str) {
        let number = |label: &str| {
            let part = line.split([';', '.']).find_map(|part| part.trim().strip_suffix(label));
            part.and_then(|number| number.trim().parse::<u64>().ok())
        };
        let (Some(passed), Some(failed), Some(ignored)) =
            (number("passed"), number("failed"), number("ignored"))
        else {
            self.fault(format!("not understood: test result: {line}"));
            return;
        };
        self.running = None;
        self.count.passed += passed;
        self.count.failed += failed + ignored;
        if ignored > 0 {
            self.faults.push(format!("{ignored} ignored: a test that does not run proves nothing"));
        }
    }

    /// A test program that ends without a result line has crashed, or counts its tests in secret.
    fn no_result(&mut self) {
        if let Some(program) = self.running.take() {
            self.fault(format!("no result from {program}"));
        }
    }

    pub fn fault(&mut self, what: String) {
        self.count.failed += 1;
        self.faults.push(what);
    }

    /// The count and the faults, once the output is at its end.
    pub fn finish(mut self, succeeded: bool) -> (Count, Vec<String>) {
        self.no_result();
        if !succeeded && self.count.failed == 0 {
            self.fault("cargo test failed: see above".to_owned());
        }
        if self.count == Count::default() {
            self.fault("no test ran".to_owned());
        }
        (self.count, self.faults)
    }
}

/// The name in `Running tests/api.rs (target/debug/deps/api-0123456789abcdef)` or `Doc-tests domain`.
fn started(line: &str) -> Option<String> {
    if line.starts_with("Doc-tests ") {
        return Some(line.to_owned());
    }
    let (_, file) = line.strip_prefix("Running ")?.strip_suffix(')')?.split_once("/deps/")?;
    let (name, _hash) = file.rsplit_once('-')?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(output: &str, succeeded: bool) -> (Count, Vec<String>) {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read(line));
        tally.finish(succeeded)
    }

    const STARTED: &str = "     Running unittests src/lib.rs (target/debug/deps/domain-1f)\n";
    const DOC_TESTS: &str = "   Doc-tests domain\n";

    fn result(passed: u64, failed: u64, ignored: u64) -> String {
        let verdict = if failed == 0 { "ok" } else { "FAILED" };
        format!(
            "test result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; \
             0 measured; 0 filtered out; finished in 0.01s\n"
        )
    }

    #[test]
    fn results_are_summed() {
        let output = [STARTED, &result(3, 0, 0), DOC_TESTS, &result(1, 0, 0), &result(2, 0, 0)].concat();
        assert_eq!(tally(&output, true), (Count { passed: 6, failed: 0 }, vec![]));
    }

    #[test]
    fn failed_tests_are_counted_and_named() {
        let output = [STARTED, "test card::draws ... FAILED\n", &result(3, 1, 0)].concat();
        assert_eq!(
            tally(&output, false),
            (Count { passed: 3, failed: 1 }, vec!["domain: card::draws".to_owned()])
        );
    }

    #[test]
    fn an_ignored_test_is_a_failed_one() {
        let output = [STARTED, &result(3, 0, 2)].concat();
        assert_eq!(tally(&output, true).0, Count { passed: 3, failed: 2 });
    }

    #[test]
    fn a_program_that_crashes_is_a_failure_wherever_it_stands() {
        let first = [STARTED, "running 2 tests\n", DOC_TESTS, &result(1, 0, 0)].concat();
        assert_eq!(tally(&first, false).0, Count { passed: 1, failed: 1 });
        let last = [DOC_TESTS, &result(1, 0, 0), STARTED, "running 2 tests\n"].concat();
        assert_eq!(tally(&last, false).0, Count { passed: 1, failed: 1 });
    }

    #[test]
    fn a_crash_does_not_hide_behind_another_failure() {
        let output = [STARTED, &result(3, 1, 0), STARTED, "running 2 tests\n"].concat();
        assert_eq!(tally(&output, false).0, Count { passed: 3, failed: 2 });
    }

    #[test]
    fn a_compile_error_is_a_failure() {
        let faults = vec!["cargo test failed: see above".to_owned()];
        assert_eq!(
            tally("error: could not compile `store`\n", false),
            (Count { passed: 0, failed: 1 }, faults)
        );
    }

    #[test]
    fn a_suite_without_tests_is_a_failure() {
        assert_eq!(tally(&[STARTED, &result(0, 0, 0)].concat(), true).0, Count { passed: 0, failed: 1 });
    }

    #[test]
    fn a_result_in_other_words_is_a_failure() {
        assert_eq!(tally("test result: fine, thank you\n", true).0.failed, 1);
    }
}
