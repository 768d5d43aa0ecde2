//! Tokens that are presented: many unknown ones make their client and its network wait.

use domain::Refusal;

use crate::{Caller, Error, Network, Service};

impl Service {
    /// Does what a token was presented for, unless too many before it were unknown.
    ///
    /// One is counted when it has turned out to be unknown: a busy client has more tokens under way than anybody may
    /// guess wrong. Who presents many at once has them all counted, and waits the longer.
    pub(crate) async fn presented<T>(
        &self,
        caller: &Caller,
        network: Network,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let client = caller.actor.client();
        let of_client = self.budgets.token_clients.wait_seconds(&client, self.now());
        let of_network = self.budgets.token_networks.wait_seconds(&network, self.now());
        if let Some(retry_after_seconds) = of_client.max(of_network) {
            return Err(Error::TooManyTries { retry_after_seconds });
        }
        let done = work.await;
        if matches!(done, Err(Error::Refused(Refusal::CardNotFound))) {
            self.budgets.token_clients.spend(client, self.now());
            self.budgets.token_networks.spend(network, self.now());
        }
        done
    }
}
