//! Orders that make secrets: made anew when a code is taken, and answered again when the client asks again.

use domain::{
    Actor, Aid, Command, IdempotencyClaim, Operation, Order, Outcome, Refusal, Replay, ReplayKey, RequestMac,
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
    /// How far the account's clock is ahead: what was made is dated with it, the kept answer with the server's.
    ahead_ms: u64,
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
        let ahead_ms = self.ahead_of(caller.aid, operation);
        let claim = idempotency
            .and_then(|idempotency| Claim::new(&self.keys, caller, operation, idempotency, ahead_ms));
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

    /// How far ahead of the server's is the clock by which what an operation makes goes.
    fn ahead_of(&self, aid: Aid, operation: Operation) -> u64 {
        match operation {
            Operation::CreateClient | Operation::RotateSecret => 0,
            Operation::CreateCard
            | Operation::CreateBatch
            | Operation::RotatePin
            | Operation::CreateToken
            | Operation::ReplaceCard => {
                self.directory.get(aid).map_or(0, |members| members.account.test_clock_ms)
            }
        }
    }
}

/// When what an outcome tells of was made.
fn made_at(outcome: &Outcome) -> Option<Timestamp> {
    match outcome {
        Outcome::CardCreated(details) => Some(details.card.created_at),
        Outcome::BatchCreated(batch) => Some(batch.created_at),
        Outcome::PinRotated(card) => Some(card.changed_at),
        Outcome::TokenCreated(token) => Some(token.created_at),
        Outcome::CardReplaced { transaction, .. } => Some(transaction.created_at),
        Outcome::Client(client) => Some(client.updated_at),
        Outcome::Replayed(_)
        | Outcome::CardActivated(_)
        | Outcome::CardsActivated(_)
        | Outcome::CardChanged(_)
        | Outcome::CardDeleted(_)
        | Outcome::TokenDeleted(_)
        | Outcome::Info(_)
        | Outcome::Swept { .. }
        | Outcome::Account(_)
        | Outcome::Written(..)
        | Outcome::Grant(..) => None,
    }
}

impl Claim {
    /// An operator at the server's own shell sees every answer, and claims none.
    fn new(
        keys: &Keys,
        caller: &Caller,
        operation: Operation,
        idempotency: &Idempotency,
        ahead_ms: u64,
    ) -> Option<Self> {
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
            ahead_ms,
        })
    }

    fn seal<S: Secrets>(&self, secrets: &S) -> IdempotencyClaim {
        let mut writer = Writer::default();
        writer.text(&self.ahead_ms.to_string());
        secrets.write(&mut writer);
        let sealed = Sealed::seal(&self.sealing, &self.place, writer.bytes());
        IdempotencyClaim { key: self.key, request: self.request, sealed }
    }

    fn answer<S: Secrets>(&self, kept: &Replay) -> Result<Made<S>, Error> {
        if kept.request != self.request {
            return Err(Refusal::IdempotencyKeyReused.into());
        }
        let opened = Sealed::open(&self.sealing, &self.place, &kept.sealed);
        let made = opened.and_then(|plain| {
            let mut reader = Reader::new(&plain);
            let ahead_ms: u64 = reader.text()?.parse().ok()?;
            Some((ahead_ms, S::read(&mut reader)?))
        });
        let Some((ahead_ms, secrets)) = made else {
            tracing::error!("a kept answer does not open");
            return Err(Error::Internal);
        };
        let at = kept.created_at.plus_ms(ahead_ms);
        Ok(Made { secrets, at, command: None, outcome: None })
    }
}
