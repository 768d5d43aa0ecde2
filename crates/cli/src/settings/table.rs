//! Every setting of the server, once: flags, variables, file keys, help and `config check` come from here.

use std::collections::BTreeMap;
use std::fmt;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its key in the file; the flag and the variable are made from it.
    pub name: &'static str,
    /// What kind of value it takes, as the help shows it.
    pub value: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// What it is when nobody says.
    pub default: Option<&'static str>,
    /// How many values it takes, and whether they may be shown.
    pub kind: Kind,
}

/// How many values a setting takes, and whether they may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    One,
    /// Any number: flags repeat, variables and files may separate them by commas, files may have a list.
    Many,
    /// On or off.
    Switch,
    /// One value that is never shown and has no flag; only a variable may hold it, or a file of its own.
    Secret,
    /// One value that is never shown, because a part of it may be secret. It has a flag and a place in the settings
    /// file all the same: often no part of it is.
    Guarded,
}

const fn one(
    name: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Definition {
    Definition { name, value, help, default, kind: Kind::One }
}

const fn many(
    name: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Definition {
    Definition { name, value, help, default, kind: Kind::Many }
}

const fn secret(name: &'static str, help: &'static str) -> Definition {
    Definition { name, value: "SECRET", help, default: None, kind: Kind::Secret }
}

/// Where the API is served and looked for when nobody says.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// Every setting, in the order of the help.
pub const SETTINGS: &[Definition] = &[
    one("config", "FILE", None, "Settings file (TOML); its keys are the names of these flags, with _ for -"),
    one(
        "data",
        "DIR",
        Some("gavekort-data"),
        "Data directory; made where there is none, not used with a database URL",
    ),
    Definition {
        name: "database_url",
        value: "URL",
        help: "PostgreSQL database that servers share, postgres://USER@HOST/DATABASE, instead of a data directory",
        default: None,
        kind: Kind::Guarded,
    },
    one("database_url_file", "FILE", None, "File with the database's URL, where that holds a password"),
    one("listen", "ADDR", Some(DEFAULT_LISTEN), "Address to serve the API on; port 0 takes a free one"),
    one("admin_listen", "ADDR", Some("127.0.0.1:9464"), "Address to serve /metrics on, or `off`"),
    many(
        "public_url",
        "URL",
        None,
        "URL under which clients know this server; by default the listen address",
    ),
    many(
        "audience_alias",
        "HOST",
        Some("api.dintero.com"),
        "Host of another service that clients may still name as audience",
    ),
    one("tls_cert", "FILE", None, "Certificate chain (PEM), to serve HTTPS"),
    one("tls_key", "FILE", None, "Private key of the certificate (PEM)"),
    Definition {
        name: "behind_proxy",
        value: "BOOL",
        help: "A proxy in front does HTTPS: allows other than loopback addresses without a certificate",
        default: Some("false"),
        kind: Kind::Switch,
    },
    many("trusted_proxies", "CIDR", None, "Networks whose X-Forwarded-For is believed"),
    many("cors_origin", "ORIGIN", None, "Origin whose web pages may call the API"),
    one("max_connections", "N", Some("4096"), "Connections served at the same time"),
    one("log_format", "FORMAT", Some("text"), "Form of the log on standard error: text or json"),
    one(
        "log_level",
        "LEVEL",
        Some("info"),
        "error, warn, info, debug or trace, also per part: info,store=debug",
    ),
    one("ready_file", "FILE", None, "File to write the addresses to, as JSON, once the server is ready"),
    secret("master_key", "The key all other keys come from: 32 bytes in base64"),
    one(
        "master_key_file",
        "FILE",
        None,
        "File with the master key; by default master.key in the data directory, see also `gavekort init`",
    ),
    one("bootstrap_account", "AID", None, "Account to make on a first start"),
    one("bootstrap_client_id", "ID", None, "Its first client, which holds every scope"),
    secret("bootstrap_client_secret", "The first client's secret, of at least 32 characters"),
    one("bootstrap_client_secret_file", "FILE", None, "File with the first client's secret"),
];

/// The setting of this name, which must be one of the table.
pub fn definition(name: &str) -> &'static Definition {
    SETTINGS.iter().find(|setting| setting.name == name).expect("a setting of the table")
}

impl Definition {
    /// `GAVEKORT_LISTEN`
    pub fn variable(&self) -> String {
        format!("GAVEKORT_{}", self.name.to_ascii_uppercase())
    }

    /// `listen`, without the hyphens in front.
    fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    fn argument(&self) -> Option<Arg> {
        if self.kind == Kind::Secret {
            return None;
        }
        let default = self.default.map(|value| format!(" [default: {value}]")).unwrap_or_default();
        let help = format!("{} [env: {}]{default}", self.help, self.variable());
        let argument = Arg::new(self.name).long(self.flag()).value_name(self.value).help(help);
        Some(match self.kind {
            Kind::Many => argument.action(ArgAction::Append),
            Kind::Switch => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
            Kind::One | Kind::Secret | Kind::Guarded => argument,
        })
    }
}

/// What the command line says of the table's settings.
#[derive(Clone, Default)]
pub struct Flags(BTreeMap<&'static str, Vec<String>>);

impl Flags {
    /// As if the flag had been given.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.entry(definition(name).name).or_default().push(value.into());
    }

    /// The values of a flag, if it was given.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Vec::as_slice)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Which were given, and not what: a URL may hold a password.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(SETTINGS.iter().filter_map(Definition::argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        for setting in SETTINGS.iter().filter(|setting| setting.kind != Kind::Secret) {
            if let Some(values) = matches.get_many::<String>(setting.name) {
                flags.0.insert(setting.name, values.cloned().collect());
            }
        }
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
