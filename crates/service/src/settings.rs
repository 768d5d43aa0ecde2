//! What an account has chosen, and the clock of a test account.

use domain::{Account, Command, MoveTestClock, Outcome, Settings, SettingsChange};

use crate::{Caller, Error, Permit, ReadAccounts, Service, WriteSettings};

impl Service {
    /// What the account has chosen.
    pub fn settings(&self, permit: &Permit<ReadAccounts>) -> Result<Settings, Error> {
        let members = self.directory.get(permit.caller().aid).ok_or(Error::Unauthorized)?;
        Ok(members.account.settings.clone())
    }

    /// Chooses otherwise; what is absent stays.
    pub async fn change_settings(
        &self,
        permit: &Permit<WriteSettings>,
        change: SettingsChange,
    ) -> Result<Settings, Error> {
        let command = Command::ChangeSettings(Box::new(change));
        Ok(self.change_account(permit.caller(), command).await?.settings)
    }

    /// Moves a test account's clock so many milliseconds ahead of the server's, never back.
    pub async fn move_test_clock(
        &self,
        permit: &Permit<WriteSettings>,
        ahead_ms: u64,
    ) -> Result<Account, Error> {
        let command = Command::MoveTestClock(MoveTestClock { ahead_ms });
        self.change_account(permit.caller(), command).await
    }

    async fn change_account(&self, caller: &Caller, command: Command) -> Result<Account, Error> {
        match self.submit(caller, command).await?? {
            Outcome::Account(account) => Ok(*account),
            _ => Err(Error::Internal),
        }
    }
}
