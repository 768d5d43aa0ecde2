//! Accounts, and the first client of each. Only an operator at the server's own shell makes them.

use domain::{Account, Aid, Audience, ClientId, Currency, Mode, Name, Settings};

use crate::secrets::{client_id, client_secret};
use crate::{Error, Secret, Service};

/// The shortest secret that may be brought along instead of being made here.
pub const SECRET_CHARACTERS_MIN: usize = 32;

/// An account that is to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its id; a free one of `mode` is found when absent.
    pub aid: Option<Aid>,
    /// Test or production, where no id says so.
    pub mode: Mode,
    /// What people call it.
    pub name: String,
    /// The currency its batch cards show until activation.
    pub default_currency: Currency,
}

/// The client that an account begins with; it holds every scope.
#[derive(Clone)]
pub struct FirstClient {
    /// The name it authenticates with.
    pub client_id: ClientId,
    /// Its secret, to be shown once or brought along.
    pub secret: Secret,
    /// What people call it.
    pub name: Name,
}

impl Service {
    /// A first client with a made name and secret.
    pub fn make_first_client(&self, name: Name) -> FirstClient {
        FirstClient { client_id: client_id(&*self.random), secret: client_secret(&*self.random), name }
    }

    /// Makes an account and its first client. With `only_first`, does nothing where any account exists.
    pub async fn create_account(
        &self,
        new: &NewAccount,
        first: &FirstClient,
        only_first: bool,
    ) -> Result<Option<Account>, Error> {
        let aid = new.aid.unwrap_or_else(|| self.free_aid(new.mode));
        let audience = format!("https://{}/v1/accounts/{aid}", self.hosts.first());
        let audience = Audience::try_from(audience.as_str()).map_err(|_| Error::UnknownAudience)?;
        let settings = Settings { default_currency: new.default_currency, ..Settings::default() };
        let (name, created_at) = (new.name.clone(), self.now());
        let account = Account { aid, name, settings, test_clock_ms: 0, created_at };
        let client = self.first_client(first, audience);
        let made = self.store.create_account(&account, &client, only_first).await?;
        self.directory.load(&*self.store).await?;
        Ok(made.then_some(account))
    }

    /// Every account, oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        Ok(self.store.accounts().await?)
    }

    /// Reads every account and its clients anew: another server may have made or changed some since this one began.
    pub async fn read_accounts(&self) -> Result<(), Error> {
        Ok(self.directory.load(&*self.store).await?)
    }

    /// An id of this mode that no account has; the next one up from a random start.
    fn free_aid(&self, mode: Mode) -> Aid {
        let mut bytes = [0; 4];
        self.random.fill(&mut bytes);
        let start = u32::from_be_bytes(bytes);
        let numbers = (0..=u32::MAX).map(|step| start.wrapping_add(step) % 100_000_000);
        let mut ids = numbers.map(|number| format!("{}{number:08}", mode.letter()));
        let free =
            |text: &String| Aid::try_from(text.as_str()).is_ok_and(|aid| self.directory.get(aid).is_none());
        let text = ids.find(free).expect("a hundred million accounts do not fit in memory");
        Aid::try_from(text.as_str()).expect("a letter and eight digits")
    }
}
