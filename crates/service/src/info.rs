//! Looking a card up by its token.

use domain::{Card, CardSelector, Command, Info, Outcome, PresentedPin, Refusal};

use crate::{Error, LookUpCards, Network, Permit, Secret, Service};

impl Service {
    /// The card that bears a token. With a PIN it is a command, because a wrong one is counted; without one, a read.
    pub async fn info(
        &self,
        permit: &Permit<LookUpCards>,
        token: &Secret,
        pin: Option<&Secret>,
        network: Network,
    ) -> Result<Card, Error> {
        let caller = permit.caller();
        let mac = self.keys.token(caller.aid, token.expose());
        let look_up = async {
            let Some(pin) = pin else {
                let found = self.store.bearer(caller.aid, mac, self.now_in(caller.aid)).await?;
                return found.ok_or(Error::Refused(Refusal::CardNotFound));
            };
            let pin = PresentedPin::new(pin.expose().to_owned());
            let info = Info { card: CardSelector::Token(mac), pin };
            match self.submit(caller, Command::Info(Box::new(info))).await?? {
                Outcome::Info(card) => Ok(*card),
                _ => Err(Error::Internal),
            }
        };
        self.presented(caller, network, look_up).await
    }
}
