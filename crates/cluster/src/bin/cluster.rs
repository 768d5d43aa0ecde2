//! Starts a private server to try things on, and tells its URL. It lasts until Ctrl-C or the end of standard input.

use std::io::{self, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = cluster::Cluster::start()?;
    writeln!(io::stdout(), "{}", cluster.url("postgres"))?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
