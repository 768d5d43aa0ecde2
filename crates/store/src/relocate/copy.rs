//! Rows from one database to another.

use super::tables::{TABLES, Table};
use super::{MARK, MOVED, MoveStep, SAID_OF_MOVES};
use crate::Error;
use crate::rows::{Columns, Damaged, Fields, Value};
use crate::snapshots::{Param, Snapshots, first};

/// A value of a row that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number, or yes or no as 1 or 0.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes, or an id.
    Bytes(Vec<u8>),
}

/// What is moved to.
pub trait Target: Snapshots {
    /// The columns of a table, in its own order.
    fn columns(&mut self, table: &str) -> Result<Vec<String>, Error>;

    /// Inserts rows and commits them.
    fn insert(&mut self, table: &str, columns: &[String], rows: &[Vec<Cell>]) -> Result<(), Error>;

    /// Deletes a value of the server.
    fn delete_value(&mut self, name: &str) -> Result<(), Error>;

    /// Gives a value of the server, where it is there, another name, which no other value has.
    fn rename_value(&mut self, name: &str, new_name: &str) -> Result<(), Error>;

    /// After the last row: lets what counts places go on behind those that have arrived.
    fn settle(&mut self) -> Result<(), Error>;
}

/// The one table that a target may have rows in already.
const VALUES: &str = "server_value";

/// What a source is known by: its key, and how much had been done in each of its accounts. Wrong PINs are told of
/// nowhere but in their counts.
pub fn fingerprint(source: &mut impl Snapshots) -> Result<Vec<u8>, Error> {
    let check = value(source, "master_key_check")?.unwrap_or_default();
    let mut print: String = check.iter().map(|byte| format!("{byte:02x}")).collect();
    let sql = "SELECT aid, (SELECT max(place) FROM audit WHERE audit.aid = account.aid), \
        (SELECT max(place) FROM outbox WHERE outbox.aid = account.aid), \
        (SELECT max(day) FROM day_closed WHERE day_closed.aid = account.aid), \
        (SELECT CAST(sum(wrong_since_rotation) AS BIGINT) FROM pin_tries WHERE pin_tries.aid = account.aid) \
        FROM account ORDER BY aid";
    source.each(sql, &[], &mut |row| {
        let told = |place| format!(" {:?}", row.value(place));
        print.extend((0..5).map(told));
    })?;
    Ok(print.into_bytes())
}

/// A value of the server.
pub fn value(database: &mut impl Snapshots, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let sql = "SELECT value FROM server_value WHERE name = $1";
    let read = |row: &dyn Columns| Fields::new(row, "server_value").bytes().map(<[u8]>::to_vec);
    let found = first(database, sql, &[Param::Text(name)], read)?;
    found.transpose().map_err(|Damaged(place)| Error::Damaged(place))
}

/// Refuses a target that holds anything but this move or a part of it, and marks one that holds nothing.
pub fn mark(source: &mut impl Snapshots, target: &mut impl Target) -> Result<(), Error> {
    if value(source, MARK)?.is_some() {
        return Err(Error::Open("a move to the database that is to be left has not ended".to_owned()));
    }
    let (key, other) = (value(source, "master_key_check")?, value(target, "master_key_check")?);
    if other.is_some() && other != key {
        let what = "the database that is moved to was made with another master key";
        return Err(Error::Open(what.to_owned()));
    }
    let print = fingerprint(source)?;
    match value(target, MARK)? {
        Some(mark) if mark == print => return Ok(()),
        Some(_) => {
            let what = "the database that is moved to holds part of another move, or of one of this store before \
                it was used again; empty it";
            return Err(Error::Open(what.to_owned()));
        }
        // Whoever ended it was killed before he could say so.
        None if has_ended(source, target, &print)? => return Ok(()),
        None => {}
    }
    for table in ["account", "signing_key"] {
        if first(target, &format!("SELECT 1 FROM {table} LIMIT 1"), &[], |_| ())?.is_some() {
            return Err(Error::Open("the database that is moved to is in use".to_owned()));
        }
    }
    // Its tables were emptied by hand.
    target.delete_value(MOVED)?;
    set(target, MARK, print)
}

/// Whether a target holds all of a source, and was not used since.
fn has_ended(source: &mut impl Snapshots, target: &mut impl Target, print: &[u8]) -> Result<bool, Error> {
    Ok(value(target, MOVED)?.is_some_and(|moved| moved == print) && counts(source)? == counts(target)?)
}

/// Sets a value of the server that has not been set.
pub fn set(database: &mut impl Target, name: &str, value: Vec<u8>) -> Result<(), Error> {
    let columns = ["name".to_owned(), "value".to_owned()];
    database.insert(VALUES, &columns, &[vec![Cell::Text(name.to_owned()), Cell::Bytes(value)]])
}

/// Refuses a database that a move has not ended in.
pub fn refuse_marked(database: &mut impl Snapshots) -> Result<(), Error> {
    if value(database, MARK)?.is_some() { Err(super::under_way()) } else { Ok(()) }
}

/// How many rows each table has, of those that are moved.
pub fn counts(database: &mut impl Snapshots) -> Result<Vec<u64>, Error> {
    let count = |table: &Table| {
        let moved = if table.name == VALUES {
            format!(" WHERE name NOT IN ('{}')", SAID_OF_MOVES.join("', '"))
        } else {
            String::new()
        };
        let sql = format!("SELECT count(*) FROM {}{moved}", table.name);
        let read = |row: &dyn Columns| Fields::new(row, table.name).number::<u64>();
        let counted = first(database, &sql, &[], read)?.unwrap_or(Ok(0));
        counted.map_err(|Damaged(place)| Error::Damaged(place))
    };
    TABLES.iter().map(count).collect()
}

/// All tables, copied.
pub struct Copying<'c, S, T> {
    pub source: &'c mut S,
    pub target: &'c mut T,
    pub heard: &'c mut dyn FnMut(MoveStep),
    pub rows: u64,
    pub of: u64,
}

impl<S: Snapshots, T: Target> Copying<'_, S, T> {
    /// Goes on behind what has arrived.
    pub fn run(&mut self) -> Result<(), Error> {
        let accounts = texts(self.source, "SELECT aid FROM account ORDER BY aid", &[])?;
        for table in &TABLES {
            let columns = self.target.columns(table.name)?;
            if table.is_of_accounts() {
                for aid in &accounts {
                    self.rows_of(table, &columns, Some(aid))?;
                }
            } else {
                self.rows_of(table, &columns, None)?;
            }
        }
        Ok(())
    }

    fn rows_of(&mut self, table: &Table, columns: &[String], aid: Option<&str>) -> Result<(), Error> {
        let mut after = self.arrived(table, aid)?;
        loop {
            let mut rows = portion(self.source, table, columns, aid, after.as_deref())?;
            let count = rows.len();
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(key_of(table, columns, last));
            if table.name == VALUES {
                self.keep_own_values(&mut rows)?;
            }
            if self.target.has_gapless_places() && table.is_counted() {
                self.count_anew(table, columns, aid, &mut rows)?;
            }
            self.target.insert(table.name, columns, &rows)?;
            self.rows += u64::try_from(count).unwrap_or(0);
            (self.heard)(MoveStep::Copying { table: table.name, rows: self.rows, of: self.of });
            if i64::try_from(count).unwrap_or(i64::MAX) < table.portion {
                return Ok(());
            }
        }
    }

    /// The key in the source of the last row that has arrived.
    fn arrived(&mut self, table: &Table, aid: Option<&str>) -> Result<Option<Vec<Cell>>, Error> {
        if table.name == VALUES {
            return Ok(None);
        }
        let whose = aid.map_or("", |_| "WHERE aid = $1");
        let own: Vec<Param<'_>> = aid.iter().map(|aid| Param::Text(aid)).collect();
        let sql = format!("SELECT count(*) FROM {} {whose}", table.name);
        let count = cells(self.target, &sql, &own, 1)?;
        let Some(&[Cell::Integer(count @ 1..)]) = count.first().map(Vec::as_slice) else {
            return Ok(None);
        };
        self.rows += u64::try_from(count).unwrap_or(0);
        let (keys, falling) = (table.key.join(", "), table.key.join(" DESC, "));
        if self.target.has_gapless_places() && table.is_counted() {
            let sql = format!("SELECT {keys} FROM {} {whose} ORDER BY {keys} LIMIT 1 OFFSET $2", table.name);
            let params: Vec<Param<'_>> = own.into_iter().chain([Param::Integer(count - 1)]).collect();
            return Ok(cells(self.source, &sql, &params, table.key.len())?.pop());
        }
        let sql = format!("SELECT {keys} FROM {} {whose} ORDER BY {falling} DESC LIMIT 1", table.name);
        Ok(cells(self.target, &sql, &own, table.key.len())?.pop())
    }

    /// Leaves out what the source says of moves, and what the target has of its own.
    fn keep_own_values(&mut self, rows: &mut Vec<Vec<Cell>>) -> Result<(), Error> {
        let own = texts(self.target, "SELECT name FROM server_value", &[])?;
        let stays = |name: &str| SAID_OF_MOVES.contains(&name) || own.iter().any(|own| own == name);
        rows.retain(|row| !row.iter().any(|cell| matches!(cell, Cell::Text(name) if stays(name))));
        Ok(())
    }

    /// Gives rows the places that follow on those which have arrived.
    fn count_anew(
        &mut self,
        table: &Table,
        columns: &[String],
        aid: Option<&str>,
        rows: &mut [Vec<Cell>],
    ) -> Result<(), Error> {
        let own: Vec<Param<'_>> = aid.iter().map(|aid| Param::Text(aid)).collect();
        let sql = format!("SELECT coalesce(max(place), 0) FROM {} WHERE aid = $1", table.name);
        let last = cells(self.target, &sql, &own, 1)?;
        let Some(&[Cell::Integer(last)]) = last.first().map(Vec::as_slice) else {
            return Err(Error::Damaged(format!("{}.place", table.name)));
        };
        let place = columns.iter().position(|column| column == "place");
        for (count, row) in (last + 1..).zip(rows) {
            if let Some(cell) = place.and_then(|place| row.get_mut(place)) {
                *cell = Cell::Integer(count);
            }
        }
        Ok(())
    }
}

fn key_of(table: &Table, columns: &[String], row: &[Cell]) -> Vec<Cell> {
    let cell = |key: &&str| columns.iter().position(|column| column == key).and_then(|place| row.get(place));
    table.key.iter().map(|key| cell(key).cloned().unwrap_or(Cell::Null)).collect()
}

/// The next rows in the order of their keys.
fn portion(
    source: &mut impl Snapshots,
    table: &Table,
    columns: &[String],
    aid: Option<&str>,
    after: Option<&[Cell]>,
) -> Result<Vec<Vec<Cell>>, Error> {
    let mut params: Vec<Param<'_>> = aid.iter().map(|aid| Param::Text(aid)).collect();
    let mut conditions: Vec<String> = aid.iter().map(|_| "aid = $1".to_owned()).collect();
    // The account stands by itself, so that the rest of the key is one range of an index.
    let own_key = &table.key[params.len()..];
    if let Some(after) = after {
        let places: Vec<String> =
            (0..own_key.len()).map(|place| format!("${}", params.len() + place + 1)).collect();
        conditions.push(format!("({}) > ({})", own_key.join(", "), places.join(", ")));
        params.extend(after[table.key.len() - own_key.len()..].iter().map(Cell::param));
    }
    let conditions =
        if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    params.push(Param::Integer(table.portion));
    let (limit, columns_told, order) = (params.len(), columns.join(", "), own_key.join(", "));
    let sql =
        format!("SELECT {columns_told} FROM {} {conditions} ORDER BY {order} LIMIT ${limit}", table.name);
    cells(source, &sql, &params, columns.len())
}

impl Cell {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Integer(integer) => Self::Integer(integer),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }

    fn param(&self) -> Param<'_> {
        match self {
            // No key holds nothing.
            Self::Null => Param::Text(""),
            Self::Integer(integer) => Param::Integer(*integer),
            Self::Text(text) => Param::Text(text),
            Self::Bytes(bytes) => Param::Bytes(bytes),
        }
    }
}

/// Rows as they are.
pub fn cells(
    database: &mut impl Snapshots,
    sql: &str,
    params: &[Param<'_>],
    columns: usize,
) -> Result<Vec<Vec<Cell>>, Error> {
    let (mut rows, mut damaged) = (Vec::new(), None);
    database.each(sql, params, &mut |row| {
        let cells: Option<Vec<Cell>> = (0..columns).map(|place| row.value(place).map(Cell::of)).collect();
        match cells {
            Some(cells) => rows.push(cells),
            None => damaged = Some("a value of a kind that this program does not write".to_owned()),
        }
    })?;
    damaged.map_or(Ok(rows), |what| Err(Error::Damaged(what)))
}

fn texts(database: &mut impl Snapshots, sql: &str, params: &[Param<'_>]) -> Result<Vec<String>, Error> {
    let text = |row: Vec<Cell>| match row.into_iter().next() {
        Some(Cell::Text(text)) => Ok(text),
        _ => Err(Error::Damaged("a name that is no text".to_owned())),
    };
    cells(database, sql, params, 1)?.into_iter().map(text).collect()
}
