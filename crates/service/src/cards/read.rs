//! Reading cards. Secrets are never in a read.

use domain::{Card, CardDetails, CardId, CardUuid, CustomerId, Refusal, Timestamp};
use store::{CardFilter, CardPage, CardQuery, CustomerCardsQuery};

use crate::{Error, Permit, ReadCards, ReadCustomerCards, Service};

/// The most cards that one call looks at for a page. With a million cards, on two cores that others used too, a
/// look at 20,000 of which none fits took 10 to 60 ms, and 50,000 took twice that.
const LOOKS_MAX: u32 = 20_000;

/// The most cards of a customer that are answered at once.
const CUSTOMER_CARDS_MAX: u32 = 10_000;

/// Which cards a client asks for.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// The most to answer with.
    pub limit: u32,
    /// Only cards listed after this one.
    pub starting_after: Option<CardUuid>,
    /// Deleted cards too.
    pub include_deleted: bool,
    /// Which of them.
    pub filter: CardFilter,
    /// The instant at which statuses are judged.
    pub now: Timestamp,
}

/// Which cards of a customer a client asks for.
#[derive(Clone, Debug)]
pub struct CustomerListRequest {
    /// Whose.
    pub customer_id: CustomerId,
    /// The most to answer with; all when absent.
    pub limit: Option<u32>,
    /// Only cards after this one.
    pub starting_after: Option<CardUuid>,
    /// The instant at which statuses are judged.
    pub now: Timestamp,
}

impl Service {
    /// A page of the account's cards, newest first. It may hold fewer than were asked for and not be the last.
    pub async fn cards(&self, permit: &Permit<ReadCards>, asked: ListRequest) -> Result<CardPage, Error> {
        let ListRequest { limit, starting_after, include_deleted, filter, now } = asked;
        let query = CardQuery { limit, starting_after, looks_max: LOOKS_MAX, include_deleted, filter, now };
        Ok(self.store.cards(permit.caller().aid, &query).await?)
    }

    /// A card and its tokens.
    pub async fn card(
        &self,
        permit: &Permit<ReadCards>,
        card_id: &CardId,
        deleted_too: bool,
    ) -> Result<CardDetails, Error> {
        let aid = permit.caller().aid;
        let details = self.store.card(aid, card_id, deleted_too, self.now_in(aid)).await?;
        details.ok_or(Error::Refused(Refusal::CardNotFound))
    }

    /// A customer's cards that can be used, oldest first. Refused where all are asked for and they are too many:
    /// a list that left some out could not say so.
    pub async fn customer_cards(
        &self,
        permit: &Permit<ReadCustomerCards>,
        asked: CustomerListRequest,
    ) -> Result<Vec<Card>, Error> {
        let CustomerListRequest { customer_id, limit, starting_after, now } = asked;
        let one_too_many = CUSTOMER_CARDS_MAX.saturating_add(1);
        let query =
            CustomerCardsQuery { customer_id, limit: limit.unwrap_or(one_too_many), starting_after, now };
        let cards = self.store.customer_cards(permit.caller().aid, &query).await?;
        if limit.is_none() && u32::try_from(cards.len()).map_or(true, |count| count > CUSTOMER_CARDS_MAX) {
            return Err(Error::TooManyCards { max: CUSTOMER_CARDS_MAX });
        }
        Ok(cards)
    }

    /// One card of a customer, and its tokens.
    pub async fn customer_card(
        &self,
        permit: &Permit<ReadCustomerCards>,
        customer: &CustomerId,
        card_id: &CardId,
    ) -> Result<CardDetails, Error> {
        let aid = permit.caller().aid;
        let details = self.store.customer_card(aid, customer, card_id, self.now_in(aid)).await?;
        details.ok_or(Error::Refused(Refusal::CardNotFound))
    }
}
