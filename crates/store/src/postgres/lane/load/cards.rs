//! Cards, locked in the order of their ids, and their tokens.

use std::collections::BTreeSet;

use domain::{Aid, CardId, CardUuid, Needs, RefId, TokenNeed};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::super::fault::Fault;
use super::super::query::{Query, Session, params};
use super::{Loading, Round, text};
use crate::rows::{self, select};

/// Which card a token or a transaction belongs to never changes, so that the statement which locks may look there
/// itself. Everything else is read by later statements, whose snapshots are taken with the locks held.
///
/// One look-up for each name, by its whole key: for an array PostgreSQL may choose any index that begins with the
/// account, and did, while it knew little of the tables. Locked in the order of the ids, which nothing else keeps.
const LOCK_CARDS: &str = concat!(
    "SELECT found.* FROM (SELECT uuid AS wanted_uuid FROM ( \
     SELECT named.uuid FROM unnest($2::text[]) AS wanted (wanted_card_id) CROSS JOIN LATERAL \
     (SELECT uuid FROM card WHERE aid = $1 AND card_id = wanted_card_id OFFSET 0) AS named \
     UNION SELECT token.card FROM unnest($3::bytea[]) AS wanted (wanted_mac) CROSS JOIN LATERAL \
     (SELECT card FROM card_token WHERE aid = $1 AND mac = wanted_mac OFFSET 0) AS token \
     UNION SELECT kept.card FROM unnest($4::uuid[]) AS wanted (wanted_id) CROSS JOIN LATERAL \
     (SELECT card FROM card_transaction WHERE aid = $1 AND id = wanted_id OFFSET 0) AS kept \
     UNION SELECT unnest($5::uuid[])) AS every ORDER BY uuid OFFSET 0) AS wanted CROSS JOIN LATERAL (",
    select!(card "WHERE aid = $1 AND uuid = wanted_uuid FOR UPDATE"),
    ") AS found"
);

const LOCK_BY_UUID: &str = concat!(
    "SELECT found.* FROM (SELECT unnest($2::uuid[]) AS wanted_uuid ORDER BY 1 OFFSET 0) AS wanted \
     CROSS JOIN LATERAL (",
    select!(card "WHERE aid = $1 AND uuid = wanted_uuid FOR UPDATE"),
    ") AS found"
);

const BY_MAC: &str = select!(card_token "WHERE aid = $1 AND mac = ANY($2)");

const LIVE_TOKENS: &str = select!(card_token "WHERE aid = $1 AND card = ANY($2) AND deleted_at IS NULL");

/// The token made with a card has no reference of its own in its row.
const OWN_TOKENS: &str = select!(card_token "WHERE aid = $1 AND card = ANY($2) AND ref_id IS NULL");

const BY_REF_ID: &str = concat!(
    "SELECT found.* FROM unnest($2::uuid[], $3::text[]) AS wanted (wanted_card, wanted_ref_id) \
     CROSS JOIN LATERAL (",
    select!(card_token "WHERE aid = $1 AND card = wanted_card AND ref_id = wanted_ref_id OFFSET 0"),
    ") AS found"
);

const BY_UUID: &str = concat!(
    "SELECT found.* FROM unnest($2::uuid[], $3::uuid[]) AS wanted (wanted_card, wanted_uuid) \
     CROSS JOIN LATERAL (",
    select!(card_token "WHERE aid = $1 AND card = wanted_card AND uuid = wanted_uuid OFFSET 0"),
    ") AS found"
);

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 7] =
    [LOCK_CARDS, LOCK_BY_UUID, BY_MAC, LIVE_TOKENS, OWN_TOKENS, BY_REF_ID, BY_UUID];

impl<'a> Round<'a> {
    /// Locks every card that the orders name, and loads the tokens they name them by.
    pub(super) fn cards(&mut self, aid: Aid, needs: &'a Needs) {
        let card_ids: Vec<&str> = needs.card_ids.iter().map(CardId::as_str).collect();
        let macs: Vec<&[u8]> = needs.token_macs.iter().map(|mac| mac.mac.as_slice()).collect();
        let transactions: Vec<Uuid> = needs.transaction_ids.iter().map(|id| id.0).collect();
        let uuids: Vec<Uuid> = needs.card_uuids.iter().map(|card| card.0).collect();
        if card_ids.is_empty() && macs.is_empty() && transactions.is_empty() && uuids.is_empty() {
            return;
        }
        let has_tokens = !macs.is_empty();
        let params = params![text(aid), card_ids, macs.clone(), transactions, uuids];
        self.ask(LOCK_CARDS, params, Loading::put_cards);
        if has_tokens {
            self.ask(BY_MAC, params![text(aid), macs], Loading::put_tokens);
        }
    }

    /// Loads tokens by their cards.
    pub(super) fn tokens(&mut self, loading: &Loading, needs: &'a Needs) {
        let (mut whole, mut own) = (BTreeSet::new(), BTreeSet::new());
        let (mut by_ref_id, mut by_uuid) = (BTreeSet::new(), BTreeSet::new());
        for (card_id, need) in &needs.card_tokens {
            let Some(CardUuid(card)) = loading.world.card_ids.get(card_id).copied() else {
                continue;
            };
            match need {
                TokenNeed::All => {
                    whole.insert(card);
                }
                TokenNeed::RefId(ref_id) => {
                    if *ref_id == RefId::from(card_id) {
                        own.insert(card);
                    }
                    by_ref_id.insert((card, ref_id.as_str()));
                }
                TokenNeed::Uuid(token) => {
                    by_uuid.insert((card, token.0));
                }
            }
        }
        let aid = loading.aid;
        for (sql, cards) in [(LIVE_TOKENS, whole), (OWN_TOKENS, own)] {
            if !cards.is_empty() {
                let cards: Vec<Uuid> = cards.into_iter().collect();
                self.ask(sql, params![text(aid), cards], Loading::put_tokens);
            }
        }
        if !by_ref_id.is_empty() {
            let (cards, ref_ids): (Vec<Uuid>, Vec<&str>) = by_ref_id.into_iter().unzip();
            self.ask(BY_REF_ID, params![text(aid), cards, ref_ids], Loading::put_tokens);
        }
        if !by_uuid.is_empty() {
            let (cards, uuids): (Vec<Uuid>, Vec<Uuid>) = by_uuid.into_iter().unzip();
            self.ask(BY_UUID, params![text(aid), cards, uuids], Loading::put_tokens);
        }
    }
}

impl Loading {
    fn put_cards(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for row in &rows {
            self.world.put_card(rows::card(row)?);
        }
        Ok(())
    }

    fn put_tokens(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for row in &rows {
            // A token that was made after the cards were looked for has a card that is not locked: as if it had been
            // made after the orders that look for it.
            if let Some(card) = self.world.cards.get(&rows::token_card(row)?) {
                let token = rows::token(row, &card.card_id)?;
                self.world.put_token(token);
            }
        }
        Ok(())
    }

    /// A card never comes alone: those that took the place of the loaded ones are locked and loaded as well.
    pub(super) async fn successors(&mut self, session: &mut Session) -> Result<(), Fault> {
        loop {
            let next = self.world.cards.values().filter_map(|card| card.replaced_by);
            let missing: BTreeSet<CardUuid> =
                next.filter(|next| !self.world.cards.contains_key(next)).collect();
            if missing.is_empty() {
                return Ok(());
            }
            let uuids: Vec<Uuid> = missing.iter().map(|card| card.0).collect();
            let query = Query { sql: LOCK_BY_UUID, params: params![text(self.aid), uuids] };
            let found: Vec<Row> = session.ask(&[query]).await?.into_iter().flatten().collect();
            if found.len() != missing.len() {
                return Err(Fault::Damaged("card.replaced_by".to_owned()));
            }
            self.put_cards(&Needs::default(), found)?;
        }
    }
}
