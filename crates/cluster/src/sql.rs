//! Statements that a test gives by itself, past the store.

use std::thread;

use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Rows as text, NULL as `None`.
pub type Rows = Vec<Vec<Option<String>>>;

/// Runs statements on a connection of their own, and answers the rows of all of them.
///
/// It blocks, inside a runtime too: it has a thread and a runtime of its own.
pub fn sql(url: &str, statements: &str) -> Result<Rows, tokio_postgres::Error> {
    thread::scope(|threads| {
        let asked = threads.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(ask(url, statements))
        });
        asked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

async fn ask(url: &str, statements: &str) -> Result<Rows, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // It ends with the client; its error is the client's too.
    let carrying = tokio::spawn(connection);
    let messages = client.simple_query(statements).await;
    drop(client);
    let _ended = carrying.await;
    let rows = messages?.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|place| row.get(place).map(str::to_owned)).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}
