//! Orders that make secrets: made anew when a code is taken, and answered again when the client asks again.

use domain::{
    Actor, Command, IdempotencyClaim, Operation, Order, Outcome, Refusal, Replay, ReplayKey, RequestMac,
    Timestamp,
};
use zeroize::Zeroizing;

use crate::secrets::{Keys, Reader, Sealed, Writer};
use crate::{Caller, Error, Service};

/// How often codes are made anew when one turns out to be taken. At the entropy floor, with five million tokens,
/// a batch of a thousand meets a taken one once in 56,000 times.
const TRIES: usize = 3;

/// What a client sent to be able to ask again.
pub struct Idempotency {
    /// Its `Idempotency-Key`.
    pub key: String,
    /// What it asked for, path and body, so written that equal JSON is equal.
    pub canonical: Vec<u8>,
}

/// The ids and secrets of one answer, which cannot be derived from the request.
pub(crate) trait Secrets: Sized {
    fn write(&self, writer: &mut Writer);
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// What was made, and when.
pub(crate) struct Made<S> {
    pub(crate) secrets: S,
    pub(crate) at: Timestamp,
    /// The command that made it; of a repeat, it can be made again from the secrets.
    pub(crate) command: Option<Command>,
    /// What became of it, unless it is a repeat.
    pub(crate) outcome: Option<Outcome>,
}

/// A client's claim to the answer it may have had before.
struct Claim {
    key: ReplayKey,
    request: RequestMac,
    sealing: Zeroizing<[u8; 32]>,
    place: Vec<u8>,
}

impl Service {
    /// Carries out an order that shows secrets once: what `make` makes, or what was made before for the same key.
    pub(crate) async fn make<S: Secrets>(
        &self,
        caller: &Caller,
        operation: Operation,
        idempotency: Option<&Idempotency>,
        make: impl Fn() -> (S, Command),
    ) -> Result<Made<S>, Error> {
        let claim =
            idempotency.and_then(|idempotency| Claim::new(&self.keys, caller, operation, idempotency));
        if let Some(claim) = &claim
            && let Some(kept) = self.store.replay(caller.aid, claim.key).await?
            && kept.is_live(self.now())
        {
            return claim.answer(&kept);
        }
        for _ in 0..TRIES {
            let (secrets, command) = make();
            let sealed = claim.as_ref().map(|claim| claim.seal(&secrets));
            let order = Order {
                actor: caller.actor,
                request: caller.request,
                idempotency: sealed,
                command: command.clone(),
            };
            match self.submit_order(caller.aid, order).await? {
                Err(Refusal::TokenCollision) => {}
                Err(refusal) => return Err(refusal.into()),
                Ok(Outcome::Replayed(kept)) => return claim.as_ref().ok_or(Error::Internal)?.answer(&kept),
                Ok(outcome) => {
                    let at = made_at(&outcome).ok_or(Error::Internal)?;
                    return Ok(Made { secrets, at, command: Some(command), outcome: Some(outcome) });
                }
            }
        }
        tracing::error!(tries = TRIES, "every set of codes had a taken one");
        Err(Error::Internal)
    }
}

/// When what an outcome tells of was made.
fn made_at(outcome: &Outcome) -> Option<Timestamp> {
    match outcome {
        Outcome::CardCreated(details) => Some(details.card.created_at),
        Outcome::BatchCreated(batch) => Some(batch.created_at),
        Outcome::PinRotated(card) => Some(card.changed_at),
        Outcome::TokenCreated(token) => Some(token.created_at),
        Outcome::Client(client) => Some(client.updated_at),
        Outcome::Replayed(_)
        | Outcome::CardActivated(_)
        | Outcome::CardDeleted(_)
        | Outcome::TokenDeleted(_)
        | Outcome::Written(..)
        | Outcome::Grant(..) => None,
    }
}

impl Claim {
    /// An operator at the server's own shell sees every answer, and claims none.
    fn new(keys: &Keys, caller: &Caller, operation: Operation, idempotency: &Idempotency) -> Option<Self> {
        let Actor::Client { uuid: client, .. } = caller.actor else {
            return None;
        };
        let key = ReplayKey { client, operation, key: keys.idempotency(caller.aid, &idempotency.key) };
        let place = [
            caller.aid.as_str().as_bytes(),
            client.0.as_bytes(),
            operation.as_str().as_bytes(),
            &key.key.mac,
        ];
        Some(Self {
            key,
            request: keys.request(operation, &idempotency.canonical),
            sealing: keys.replay(&idempotency.key),
            place: place.concat(),
        })
    }

    fn seal<S: Secrets>(&self, secrets: &S) -> IdempotencyClaim {
        let mut writer = Writer::default();
        secrets.write(&mut writer);
        let sealed = Sealed::seal(&self.sealing, &self.place, writer.bytes());
        IdempotencyClaim { key: self.key, request: self.request, sealed }
    }

    fn answer<S: Secrets>(&self, kept: &Replay) -> Result<Made<S>, Error> {
        if kept.request != self.request {
            return Err(Refusal::IdempotencyKeyReused.into());
        }
        let opened = Sealed::open(&self.sealing, &self.place, &kept.sealed);
        let secrets = opened.and_then(|plain| S::read(&mut Reader::new(&plain)));
        let Some(secrets) = secrets else {
            tracing::error!("a kept answer does not open");
            return Err(Error::Internal);
        };
        Ok(Made { secrets, at: kept.created_at, command: None, outcome: None })
    }
}
