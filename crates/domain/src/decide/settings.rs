//! What an account chooses, and the clock of a test account.

use super::{Decision, Ledger, Outcome};
use crate::{Account, Action, Mode, MoveTestClock, Refusal, SettingsChange, Subject, TEST_CLOCK_MAX_MS};

impl Ledger<'_> {
    pub(super) fn change_settings(&mut self, change: SettingsChange) -> Decision {
        let before = self.world().account.clone();
        let settings = change.of(before.settings.clone());
        if settings == before.settings {
            return Ok(Outcome::Account(Box::new(before)));
        }
        Ok(self.put_account(Account { settings, ..before }, Action::ChangeSettings))
    }

    /// Counts for the orders of later groups: those of this one were loaded for the instant before.
    pub(super) fn move_test_clock(&mut self, clock: MoveTestClock) -> Decision {
        let before = self.world().account.clone();
        match before.aid.mode() {
            Mode::Production => return Err(Refusal::NotATestAccount),
            Mode::Test => {}
        }
        if clock.ahead_ms < before.test_clock_ms {
            return Err(Refusal::ClockOnlyForward { ahead_ms: before.test_clock_ms });
        }
        if clock.ahead_ms > TEST_CLOCK_MAX_MS {
            return Err(Refusal::ClockTooFarAhead { max_ms: TEST_CLOCK_MAX_MS });
        }
        if clock.ahead_ms == before.test_clock_ms {
            return Ok(Outcome::Account(Box::new(before)));
        }
        let account = Account { test_clock_ms: clock.ahead_ms, ..before };
        Ok(self.put_account(account, Action::MoveTestClock))
    }

    fn put_account(&mut self, account: Account, action: Action) -> Outcome {
        self.changes.world.account = account.clone();
        self.changes.account_changed = true;
        self.audit(action, Subject::Account);
        Outcome::Account(Box::new(account))
    }
}
