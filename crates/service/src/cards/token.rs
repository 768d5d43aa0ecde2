//! Tokens beside the one a card is made with.

use domain::{CardId, CardUuid, Command, CreateToken, Operation, Outcome, RefId, Token, TokenUuid};

use super::{MadeToken, TokenTerms};
use crate::making::{Made, Secrets};
use crate::secrets::{CodeMaker, Reader, Writer};
use crate::{Error, Idempotency, Permit, Secret, Service, WriteCards};

/// A token that a client asks for.
#[derive(Clone, Debug)]
pub struct CreateTokenRequest {
    /// The card.
    pub card_id: CardId,
    /// The client's reference.
    pub ref_id: RefId,
    /// How it is made and how long it lives.
    pub terms: TokenTerms,
}

struct TokenSecrets {
    uuid: TokenUuid,
    value: Secret,
    terms: TokenTerms,
}

impl Secrets for TokenSecrets {
    fn write(&self, writer: &mut Writer) {
        writer.uuid(self.uuid.0);
        writer.secret(Some(&self.value));
        self.terms.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (uuid, value) = (TokenUuid(reader.uuid()?), reader.secret()??);
        Some(Self { uuid, value, terms: TokenTerms::read(reader)? })
    }
}

impl Service {
    /// Gives a card another token.
    pub async fn create_token(
        &self,
        permit: &Permit<WriteCards>,
        request: &CreateTokenRequest,
        idempotency: Option<&Idempotency>,
    ) -> Result<MadeToken, Error> {
        let caller = permit.caller();
        let make = || {
            let value = CodeMaker::of_tokens(&*self.random, &request.terms.format).make();
            let terms = request.terms.clone();
            let secrets = TokenSecrets { uuid: TokenUuid(self.new_id()), value, terms };
            let token = self.new_token(caller.aid, secrets.uuid, &secrets.terms, &secrets.value);
            let (card_id, ref_id) = (request.card_id.clone(), request.ref_id.clone());
            (secrets, Command::CreateToken(Box::new(CreateToken { card_id, ref_id, token })))
        };
        let Made { secrets, at, .. } = self.make(caller, Operation::CreateToken, idempotency, make).await?;
        let terms = TokenTerms { metadata: request.terms.metadata.clone(), ..secrets.terms };
        let token = self.new_token(caller.aid, secrets.uuid, &terms, &secrets.value);
        // The answer does not name the card by its `id`, so a repeat need not look it up.
        let card = CardUuid(uuid::Uuid::nil());
        let token = token.into_token(card, request.ref_id.clone(), at, caller.actor.client());
        Ok(MadeToken { token, value: secrets.value })
    }

    /// Takes a token from a card; it opens nothing from then on.
    pub async fn delete_token(
        &self,
        permit: &Permit<WriteCards>,
        card_id: &CardId,
        token: TokenUuid,
    ) -> Result<Token, Error> {
        let command = Command::DeleteToken { card_id: card_id.clone(), token };
        match self.submit(permit.caller(), command).await?? {
            Outcome::TokenDeleted(token) => Ok(*token),
            _ => Err(Error::Internal),
        }
    }
}
