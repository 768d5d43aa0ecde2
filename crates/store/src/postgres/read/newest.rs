//! Transactions of an account or of a card by their places alone, newest first, read ahead a few at a time: to list
//! them, and to merge them with the lines of the audit.

use std::collections::VecDeque;

use deadpool_postgres::ClientWrapper;
use domain::{Aid, CardUuid, ClientUuid, RefId, TransactionId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Prepared as _, Values};
use crate::postgres::fault::Fault;
use crate::rows::Fields;

/// Where a row stands, and whether it is one of those asked for.
macro_rules! look {
    ($rest:literal) => {
        concat!(
            "SELECT created_at, id, seq, (($2::TEXT IS NULL OR type = $2) AND ($3::TEXT IS NULL OR ref_id = $3) \
             AND ($4::TEXT IS NULL OR asked_operation = $4) AND ($5::UUID IS NULL OR created_by = $5)) IS TRUE \
             AS fits FROM card_transaction WHERE aid = $1 ",
            $rest
        )
    };
}

pub const BY_TIME: &str =
    look!("AND (created_at, id) < ($6, $7) AND created_at >= $8 ORDER BY created_at DESC, id DESC LIMIT $9");

pub const OF_CARD: &str = look!("AND card = $6 AND seq <= $7 ORDER BY seq DESC LIMIT $8");

pub const BY_REF_ID: &str = look!("AND card = $6 AND ref_id = $7");

/// The last row of a card that was written at `$3` or before, by halving: its rows are numbered without gaps.
pub const SEQ_AT: &str = "WITH RECURSIVE half (low, high) AS (\
    SELECT 0::BIGINT, seq FROM card WHERE aid = $1 AND uuid = $2 UNION ALL \
    SELECT CASE WHEN at <= $3 THEN middle ELSE low END, CASE WHEN at <= $3 THEN high ELSE middle - 1 END \
    FROM (SELECT low, high, high - (high - low) / 2 AS middle FROM half WHERE low < high) AS halved \
    CROSS JOIN LATERAL (SELECT created_at AS at FROM card_transaction \
    WHERE aid = $1 AND card = $2 AND seq = middle LIMIT 1) AS written) \
    SELECT high FROM half WHERE low >= high";

/// The most places read ahead at once.
const READ_AHEAD_MAX: i64 = 4_096;

/// Where a transaction stands in every list: when it was written, and its id.
pub type Place = (i64, Uuid);

/// Above every place.
pub const TOP: Place = (i64::MAX, Uuid::nil());

/// Which of them are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'q> {
    /// Of this type.
    pub kind: Option<&'q str>,
    /// With this reference.
    pub ref_id: Option<&'q str>,
    /// By this command.
    pub operation: Option<&'q str>,
    /// Through this client.
    pub client: Option<ClientUuid>,
}

/// A transaction that was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    /// When it was written.
    pub at: i64,
    /// Its id.
    pub id: TransactionId,
    /// Its place on its card.
    seq: i64,
    /// Whether it is asked for.
    pub fits: bool,
}

impl Looked {
    fn read(row: &Row) -> Result<Self, Fault> {
        let mut row = Fields::new(row, "card_transaction");
        Ok(Self { at: row.integer()?, id: row.id()?, seq: row.integer()?, fits: row.flag()? })
    }

    fn place(&self) -> Place {
        (self.at, self.id.0)
    }
}

/// Places below another one by one, newest first.
pub struct Newest<'q> {
    client: &'q ClientWrapper,
    aid: Aid,
    wanted: Wanted<'q>,
    /// The card whose they are, and its row to go on from.
    card: Option<(CardUuid, i64)>,
    below: Place,
    from: i64,
    /// How many are read ahead at once: as many as will do where all fit, and then more each time.
    ahead: i64,
    ready: VecDeque<Looked>,
    is_over: bool,
}

impl<'q> Newest<'q> {
    /// All of an account that were written at `from` or later, of which so many may do.
    pub fn of_account(
        (client, aid): (&'q ClientWrapper, Aid),
        wanted: Wanted<'q>,
        below: Place,
        from: i64,
        ahead: i64,
    ) -> Self {
        let ready = VecDeque::new();
        Self { client, aid, wanted, card: None, below, from, ahead: ahead.max(1), ready, is_over: false }
    }

    /// Of these, those of a card.
    pub async fn on_card(self, card: CardUuid) -> Result<Self, Fault> {
        let (at, _) = self.below;
        let values: Values<'_> = &[&self.aid.as_str(), &card.0, &at];
        let Some(row) = self.client.first(SEQ_AT, values).await? else {
            return Err(Fault::Damaged("card.seq".to_owned()));
        };
        let seq = Fields::new(&row, "card").integer()?;
        Ok(Self { card: Some((card, seq)), ..self })
    }

    /// Of these, the one on a card with a reference, if there is one.
    pub async fn on_card_with(self, card: CardUuid, ref_id: &RefId) -> Result<Self, Fault> {
        let found = self.look(BY_REF_ID, &[&card.0, &ref_id.as_str()]).await?;
        let is_within = |row: &Looked| row.place() < self.below && row.at >= self.from;
        let ready = found.into_iter().filter(is_within).collect();
        Ok(Self { ready, is_over: true, ..self })
    }

    /// The next one.
    pub async fn next(&mut self) -> Result<Option<Looked>, Fault> {
        self.head().await?;
        Ok(self.ready.pop_front())
    }

    /// The next one, which stays.
    pub async fn head(&mut self) -> Result<Option<Looked>, Fault> {
        while self.ready.is_empty() && !self.is_over {
            match self.card {
                None => self.read_account().await?,
                Some((card, first)) => self.read_card(card, first).await?,
            }
            self.ahead = (self.ahead * 4).min(READ_AHEAD_MAX.max(self.ahead));
        }
        Ok(self.ready.front().copied())
    }

    async fn look(&self, sql: &str, more: Values<'_>) -> Result<Vec<Looked>, Fault> {
        let Wanted { kind, ref_id, operation, client } = self.wanted;
        let (aid, client) = (self.aid.as_str(), client.map(|client| client.0));
        let wanted: Values<'_> = &[&aid, &kind, &ref_id, &operation, &client];
        let found = self.client.all(sql, &[wanted, more].concat()).await?;
        found.iter().map(Looked::read).collect()
    }

    async fn read_account(&mut self) -> Result<(), Fault> {
        let (at, id) = self.below;
        let read = self.look(BY_TIME, &[&at, &id, &self.from, &self.ahead]).await?;
        self.is_over = i64::try_from(read.len()).unwrap_or(i64::MAX) < self.ahead;
        if let Some(last) = read.last() {
            self.below = last.place();
        }
        self.ready.extend(read);
        Ok(())
    }

    /// A card's rows stand in the order of their time; those of one millisecond are put into that of their ids, as
    /// in the list of the account. So the last millisecond waits until all of it was read.
    async fn read_card(&mut self, card: CardUuid, first: i64) -> Result<(), Fault> {
        let mut read = self.look(OF_CARD, &[&card.0, &first, &self.ahead]).await?;
        self.is_over = i64::try_from(read.len()).unwrap_or(i64::MAX) < self.ahead;
        if let Some(last) = read.last().copied().filter(|_| !self.is_over) {
            let whole = read.iter().position(|row| row.at == last.at).unwrap_or(0);
            if whole == 0 {
                // All of one millisecond, and not all of it: read again, with more behind it.
                self.ahead = self.ahead.saturating_mul(2);
                return Ok(());
            }
            self.card = read.get(whole).map(|row| (card, row.seq));
            read.truncate(whole);
        }
        let within = read.iter().take_while(|row| row.at >= self.from).count();
        self.is_over |= within < read.len();
        read.truncate(within);
        read.sort_by_key(|row| std::cmp::Reverse(row.place()));
        self.ready.extend(read.into_iter().filter(|row| row.place() < self.below));
        Ok(())
    }
}
