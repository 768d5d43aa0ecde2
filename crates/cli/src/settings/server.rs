//! The server's settings, understood.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use domain::{Aid, ClientId};
use service::{SECRET_CHARACTERS_MIN, Secret};
use web::api::AddressRange;

use super::{Effective, Source};
use crate::data::DataFolder;
use crate::exit::usage;
use crate::place::Place;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where a certificate and its key lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What the operator brings along for a first start.
pub struct Bootstrap {
    /// The account's id.
    pub account: Aid,
    /// The first client's name.
    pub client_id: ClientId,
    /// The first client's secret.
    pub secret: Secret,
}

/// Everything the server is told.
pub struct Server {
    /// The data directory.
    pub data: PathBuf,
    /// The database that servers share, in the place of a data directory.
    pub database_url: Option<Secret>,
    /// Where the API is served.
    pub listen: SocketAddr,
    /// Where metrics are served, if at all.
    pub admin_listen: Option<SocketAddr>,
    /// Under which URLs clients know the server; empty for those of the listen address.
    pub public_urls: Vec<String>,
    /// Hosts of other services that an audience may name.
    pub audience_aliases: Vec<String>,
    /// The certificate, where HTTPS is served.
    pub tls: Option<Tls>,
    /// Whether a proxy in front does HTTPS.
    pub behind_proxy: bool,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<AddressRange>,
    /// Origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// How many connections are served at the same time.
    pub max_connections: usize,
    /// How the log is written.
    pub log_format: LogFormat,
    /// What the log tells.
    pub log_level: String,
    /// Where to tell the addresses.
    pub ready_file: Option<PathBuf>,
    /// The master key in base64, where it does not lie in the data directory.
    pub master_key: Option<Secret>,
    /// What to make on a first start.
    pub bootstrap: Option<Bootstrap>,
}

impl Server {
    /// Understands every setting; the first that is wrong ends it.
    pub fn new(effective: &Effective) -> Result<Self> {
        Ok(Self {
            data: data_folder(effective)?,
            database_url: secret_of(effective, "database_url")?,
            listen: effective.parsed("listen", address)?.context("listen has a default")?,
            admin_listen: effective.parsed("admin_listen", address_or_off)?.flatten(),
            public_urls: effective.all_parsed("public_url", http_url)?,
            audience_aliases: effective.all_parsed("audience_alias", host)?,
            tls: tls(effective)?,
            behind_proxy: effective.parsed("behind_proxy", switch)?.unwrap_or(false),
            trusted_proxies: effective.all_parsed("trusted_proxies", str::parse)?,
            cors_origins: effective.all_parsed("cors_origin", origin)?,
            max_connections: effective
                .parsed("max_connections", positive)?
                .context("max_connections has a default")?,
            log_format: effective.parsed("log_format", log_format)?.context("log_format has a default")?,
            log_level: effective.parsed("log_level", log_level)?.context("log_level has a default")?,
            ready_file: effective.text("ready_file").map(PathBuf::from),
            master_key: master_key_text(effective)?,
            bootstrap: bootstrap(effective)?,
        })
    }

    /// Where everything is remembered.
    pub fn place(&self) -> Place {
        match &self.database_url {
            Some(url) => Place::Database(url.clone()),
            None => Place::Folder(DataFolder::new(&self.data)),
        }
    }

    /// Whether others than this machine can reach the API without HTTPS.
    pub fn is_exposed(&self) -> bool {
        !self.listen.ip().is_loopback() && self.tls.is_none() && !self.behind_proxy
    }
}

/// The data directory.
pub fn data_folder(effective: &Effective) -> Result<PathBuf> {
    effective.text("data").map(PathBuf::from).context("data has a default")
}

/// The master key in base64, where a variable or a file named by a setting has it.
pub fn master_key_text(effective: &Effective) -> Result<Option<Secret>> {
    secret_of(effective, "master_key")
}

/// A secret, from its variable or from the file that another setting names.
pub fn secret_of(effective: &Effective, name: &'static str) -> Result<Option<Secret>> {
    let file = format!("{name}_file");
    let (direct, named) = (effective.get(name), effective.get(&file));
    match (direct, named) {
        (Some(direct), Some(named)) => Err(usage(format!(
            "{name} is given twice: by {} and by {file} ({})",
            direct.source, named.source
        ))),
        (Some(direct), None) => Ok(direct.secret().cloned()),
        (None, Some(named)) => read_secret(Path::new(&named.values().concat()), &named.source).map(Some),
        (None, None) => Ok(None),
    }
}

/// A secret from a file of its own, without the line end that editors leave.
pub fn read_secret(path: &Path, source: &Source) -> Result<Secret> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read {} (named by {source})", path.display()))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn bootstrap(effective: &Effective) -> Result<Option<Bootstrap>> {
    let account = effective.parsed("bootstrap_account", |text| Aid::try_from(text))?;
    let client_id = effective.parsed("bootstrap_client_id", |text| ClientId::try_from(text))?;
    let secret = secret_of(effective, "bootstrap_client_secret")?;
    match (account, client_id, secret) {
        (None, None, None) => Ok(None),
        (Some(account), Some(client_id), Some(secret)) => {
            if secret.expose().chars().count() < SECRET_CHARACTERS_MIN {
                let least =
                    format!("bootstrap_client_secret must have at least {SECRET_CHARACTERS_MIN} characters");
                return Err(usage(least));
            }
            Ok(Some(Bootstrap { account, client_id, secret }))
        }
        _ => Err(usage(
            "bootstrap_account, bootstrap_client_id and bootstrap_client_secret belong together: give all or none",
        )),
    }
}

fn tls(effective: &Effective) -> Result<Option<Tls>> {
    let file = |name| effective.text(name).map(PathBuf::from);
    match (file("tls_cert"), file("tls_key")) {
        (Some(cert), Some(key)) => Ok(Some(Tls { cert, key })),
        (None, None) => Ok(None),
        _ => Err(usage("tls_cert and tls_key belong together: give both or none")),
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found =
        text.to_socket_addrs().map_err(|_| "is not an address and port such as 127.0.0.1:8080")?;
    found.next().ok_or_else(|| "names no address".to_owned())
}

fn address_or_off(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" { Ok(None) } else { address(text).map(Some) }
}

fn switch(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("is neither true nor false"),
    }
}

fn http_url(text: &str) -> Result<String, &'static str> {
    let url = reqwest::Url::parse(text).map_err(|_| "is not a URL")?;
    match (url.scheme(), url.host(), url.query(), url.fragment()) {
        ("http" | "https", Some(_), None, None) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("must be a plain http:// or https:// URL"),
    }
}

fn origin(text: &str) -> Result<String, &'static str> {
    let url = http_url(text)?;
    let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
    if after_scheme.contains(['/', '@']) {
        Err("must be an origin: scheme, host and port only")
    } else {
        Ok(url)
    }
}

fn host(text: &str) -> Result<String, &'static str> {
    if text.contains(['/', '@', ' ']) {
        Err("must be a host, without scheme and path")
    } else {
        Ok(text.to_owned())
    }
}

fn positive(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|number| *number > 0).ok_or("must be a positive number")
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is neither text nor json"),
    }
}

fn log_level(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text).map_err(|fault| fault.to_string())?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_understood_or_refused() {
        assert!(address("127.0.0.1:0").is_ok() && address("[::1]:80").is_ok());
        assert!(address("127.0.0.1").is_err() && address("8080").is_err());
        assert_eq!(address_or_off("off"), Ok(None));
        assert_eq!(http_url("https://cards.example/base/").as_deref(), Ok("https://cards.example/base"));
        assert!(http_url("cards.example").is_err() && http_url("https://a/?b").is_err());
        assert!(origin("https://shop.example").is_ok() && origin("https://shop.example/x").is_err());
        assert!(positive("0").is_err() && positive("-1").is_err());
        assert!(switch("TRUE").is_err() && switch("on") == Ok(true));
        assert!(log_level("info,store=debug").is_ok());
    }
}
