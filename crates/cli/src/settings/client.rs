//! What commands need that call the API of a server somewhere.

use std::path::Path;

use anyhow::Result;
use service::Secret;

use super::server::read_secret;
use super::{DEFAULT_LISTEN, Source};
use crate::exit::usage;
use crate::http::{Access, Api, Http};

/// Which server, and as whom.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Server")]
pub struct ApiFlags {
    /// The server's URL [env: GAVEKORT_URL] [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The account [env: GAVEKORT_ACCOUNT]
    #[arg(long, value_name = "AID")]
    account: Option<String>,
    /// The client, whose secret comes by GAVEKORT_CLIENT_SECRET or GAVEKORT_CLIENT_SECRET_FILE
    /// [env: GAVEKORT_CLIENT_ID]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Audience to ask a token for, where the server knows itself by another URL than the one it is reached by
    /// [env: GAVEKORT_AUDIENCE]
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
}

impl ApiFlags {
    /// The API as these flags and the variables say.
    pub fn api(&self) -> Result<Api> {
        let given = |flag: &Option<String>, name| flag.clone().or_else(|| variable(name));
        let needed = |flag, name, what: &str| {
            let missing = || usage(format!("no {what}: set {name}"));
            given(flag, name).ok_or_else(missing)
        };
        let url = given(&self.url, "GAVEKORT_URL").unwrap_or_else(|| format!("http://{DEFAULT_LISTEN}"));
        let access = Access {
            account: needed(&self.account, "GAVEKORT_ACCOUNT", "account")?,
            client_id: needed(&self.client_id, "GAVEKORT_CLIENT_ID", "client")?,
            secret: secret()?,
            audience: given(&self.audience, "GAVEKORT_AUDIENCE"),
        };
        Ok(Api::new(Http::to_url(&url)?, access))
    }
}

fn secret() -> Result<Secret> {
    let (direct, file) = ("GAVEKORT_CLIENT_SECRET", "GAVEKORT_CLIENT_SECRET_FILE");
    match (variable(direct), variable(file)) {
        (Some(_), Some(_)) => Err(usage(format!("{direct} and {file} are both set"))),
        (Some(value), None) => Ok(Secret::new(value)),
        (None, Some(path)) => read_secret(Path::new(&path), &Source::Variable(file.to_owned())),
        (None, None) => {
            Err(usage(format!("no client secret: set {direct}, or {file} to the path of a file")))
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
