//! Where a setting's value comes from: flag, variable, file, default, the first that says something.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use service::Secret;

use super::{Definition, Flags, Kind, SETTINGS, definition};
use crate::exit::usage;

/// Who gave a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// A variable of the environment.
    Variable(String),
    /// The settings file.
    File(PathBuf),
    /// Nobody.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting's values and who gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was given.
    pub given: Given,
    /// Who gave it.
    pub source: Source,
}

/// What was given, as text.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// One value, or any number where the setting takes many.
    Plain(Vec<String>),
    /// A value that is never shown.
    Secret(Secret),
}

impl Given {
    fn of(setting: &Definition, values: Vec<String>) -> Self {
        match setting.kind {
            Kind::Secret | Kind::Guarded => Self::Secret(Secret::new(values.concat())),
            Kind::One | Kind::Many | Kind::Switch => Self::Plain(values),
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(values) => f.debug_list().entries(values).finish(),
            Self::Secret(_) => f.write_str("(secret)"),
        }
    }
}

impl Found {
    /// The values that may be shown; of a secret there are none.
    pub fn values(&self) -> &[String] {
        match &self.given {
            Given::Plain(values) => values,
            Given::Secret(_) => &[],
        }
    }

    /// The secret, if it is one.
    pub fn secret(&self) -> Option<&Secret> {
        match &self.given {
            Given::Plain(_) => None,
            Given::Secret(secret) => Some(secret),
        }
    }
}

/// The settings file, read but not yet understood.
type File = (PathBuf, BTreeMap<String, Vec<String>>);

/// Everything that may say something about settings.
pub struct Layers {
    flags: Flags,
    variables: fn(&str) -> Option<String>,
    file: Option<File>,
}

/// Every setting that has a value.
#[derive(Debug)]
pub struct Effective(BTreeMap<&'static str, Found>);

impl Layers {
    /// The command line, the environment, and the file that either of them names.
    pub fn new(flags: Flags) -> Result<Self> {
        Self::with_variables(flags, |name| std::env::var(name).ok())
    }

    fn with_variables(flags: Flags, variables: fn(&str) -> Option<String>) -> Result<Self> {
        let mut layers = Self { flags, variables, file: None };
        if let Some(found) = layers.find(definition("config")) {
            let path = PathBuf::from(found.values().concat());
            layers.file = Some((path.clone(), read_file(&path)?));
        }
        Ok(layers)
    }

    /// What holds for every setting.
    pub fn effective(&self) -> Result<Effective> {
        let found = SETTINGS.iter().filter_map(|setting| Some((setting.name, self.find(setting)?)));
        let effective = Effective(found.collect());
        for setting in SETTINGS.iter().filter(|setting| setting.kind != Kind::Many) {
            if let Some(Found { given: Given::Plain(values), source }) = effective.get(setting.name)
                && values.len() != 1
            {
                return Err(usage(format!("{} takes one value ({source})", setting.name)));
            }
        }
        Ok(effective)
    }

    fn find(&self, setting: &Definition) -> Option<Found> {
        if let Some(values) = self.flags.get(setting.name) {
            return Some(Found { given: Given::of(setting, values.to_vec()), source: Source::Flag });
        }
        let variable = setting.variable();
        // Compose files and unit files often pass on a variable that is empty.
        if let Some(value) = (self.variables)(&variable).filter(|value| !value.is_empty()) {
            let given = Given::of(setting, split(setting, value));
            return Some(Found { given, source: Source::Variable(variable) });
        }
        if let Some((path, keys)) = &self.file
            && let Some(values) = keys.get(setting.name)
        {
            let values = values.iter().flat_map(|value| split(setting, value.clone())).collect();
            return Some(Found { given: Given::of(setting, values), source: Source::File(path.clone()) });
        }
        let given = Given::Plain(vec![setting.default?.to_owned()]);
        Some(Found { given, source: Source::Default })
    }
}

impl Effective {
    /// A setting's values, if anybody gave any.
    pub fn get(&self, name: &str) -> Option<&Found> {
        self.0.get(definition(name).name)
    }

    /// The value of a setting that takes one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.values().first().map(String::as_str)
    }

    /// The value of a setting that takes one, understood; the fault names the setting and who gave it.
    pub fn parsed<T, E: fmt::Display>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>> {
        Ok(self.all_parsed(name, parse)?.into_iter().next())
    }

    /// Every value of a setting, understood.
    pub fn all_parsed<T, E: fmt::Display>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>> {
        let Some(found) = self.get(name) else {
            return Ok(Vec::new());
        };
        let fault = |value: &str, why: &E| usage(format!("{name} = {value:?} ({}): {why}", found.source));
        found.values().iter().map(|value| parse(value).map_err(|why| fault(value, &why))).collect()
    }
}

fn split(setting: &Definition, value: String) -> Vec<String> {
    if setting.kind != Kind::Many {
        return vec![value];
    }
    value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn read_file(path: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let fault = |what: String| usage(format!("{}: {what}", path.display()));
    let table: toml::Table = text.parse().map_err(|error| fault(place_of(&text, &error)))?;
    let mut keys = BTreeMap::new();
    for (key, value) in table {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == key) else {
            return Err(fault(format!("there is no setting `{key}`")));
        };
        match setting.kind {
            Kind::Secret => {
                let what =
                    format!("`{key}` is secret: put it into a file of its own and name that as `{key}_file`");
                return Err(fault(what));
            }
            _ if key == "config" => return Err(fault("a settings file cannot name another".to_owned())),
            _ => {}
        }
        let values =
            texts(value).ok_or_else(|| fault(format!("`{key}` is neither text, number nor list")))?;
        if setting.kind == Kind::Guarded && values.len() != 1 {
            return Err(fault(format!("`{key}` takes one value")));
        }
        keys.insert(key, values);
    }
    Ok(keys)
}

/// A fault of the file's form, in one line.
fn place_of(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message().replace('\n', "; "))
}

/// A value of the file as the same text that a flag would have.
fn texts(value: toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(text) => Some(vec![text]),
        toml::Value::Integer(number) => Some(vec![number.to_string()]),
        toml::Value::Boolean(on) => Some(vec![on.to_string()]),
        toml::Value::Array(values) => {
            let parts: Option<Vec<_>> = values.into_iter().map(texts).collect();
            Some(parts?.into_iter().flatten().collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(name: &str) -> Option<String> {
        let set = [
            ("GAVEKORT_LISTEN", "127.0.0.1:2"),
            ("GAVEKORT_DATA", ""),
            ("GAVEKORT_CORS_ORIGIN", "a, b,"),
            ("GAVEKORT_MASTER_KEY", "canary-key"),
            ("GAVEKORT_BOOTSTRAP_CLIENT_SECRET", "canary,secret"),
        ];
        set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    fn layers(flags: &[(&str, &str)], file: &str) -> Effective {
        let mut given = Flags::default();
        for (name, value) in flags {
            given.set(name, *value);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.toml");
        fs::write(&path, file).expect("a file");
        given.set("config", path.to_string_lossy());
        let layers = Layers::with_variables(given, variables).expect("a sound file");
        layers.effective().expect("sound settings")
    }

    #[test]
    fn flag_comes_before_variable_before_file_before_default() {
        let file = "listen = '127.0.0.1:3'\ndata = '/data'\nmax_connections = 7\n";
        let effective = layers(&[("listen", "127.0.0.1:1")], file);
        assert_eq!(effective.text("listen"), Some("127.0.0.1:1"));
        assert_eq!(layers(&[], file).text("listen"), Some("127.0.0.1:2"));
        assert_eq!(effective.text("data"), Some("/data"), "an empty variable says nothing");
        assert_eq!(effective.text("max_connections"), Some("7"));
        assert_eq!(effective.text("log_format"), Some("text"));
        assert_eq!(effective.get("log_format").map(|found| &found.source), Some(&Source::Default));
    }

    #[test]
    fn lists_come_by_commas_or_as_lists() {
        let effective = layers(&[], "public_url = ['https://a', 'https://b']\ncors_origin = 'c'\n");
        assert_eq!(effective.get("public_url").map(|found| found.values().len()), Some(2));
        let origins = effective.get("cors_origin").map(|found| found.values().to_vec());
        assert_eq!(origins, Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn secrets_are_kept_whole_and_never_formatted() {
        let effective = layers(&[], "");
        let told = format!("{effective:?} {effective:#?} {:?}", effective.get("master_key"));
        assert!(told.contains("(secret)") && told.contains("GAVEKORT_MASTER_KEY"), "{told}");
        assert!(!told.contains("canary"), "{told}");
        assert_eq!(effective.text("master_key"), None);
        let secret = effective.get("bootstrap_client_secret").and_then(Found::secret);
        assert_eq!(secret.map(Secret::expose), Some("canary,secret"));
    }

    #[test]
    fn a_database_url_may_stand_anywhere_and_is_never_shown() {
        let url = |effective: &Effective| {
            let found = effective.get("database_url");
            found.and_then(Found::secret).map(|secret| secret.expose().to_owned())
        };
        let in_file = layers(&[], "database_url = 'postgres://me:canary@db,other/cards'");
        assert_eq!(url(&in_file).as_deref(), Some("postgres://me:canary@db,other/cards"));
        let by_flag = layers(&[("database_url", "postgres://me:canary@db/cards")], "");
        assert_eq!(url(&by_flag).as_deref(), Some("postgres://me:canary@db/cards"));
        for effective in [in_file, by_flag] {
            assert!(!format!("{effective:?}").contains("canary"));
            assert_eq!(effective.text("database_url"), None);
        }
        let mut flags = Flags::default();
        flags.set("database_url", "canary");
        assert_eq!(format!("{flags:?}"), "{\"database_url\"}");
    }

    #[test]
    fn unknown_keys_and_secrets_in_the_file_are_refused() {
        for (text, why) in [
            ("listn = 'x'", "no setting `listn`"),
            ("master_key = 'x'", "is secret"),
            ("listen = 'x'\n\na =", "line 3: "),
            ("database_url = ['a', 'b']", "takes one value"),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("settings.toml");
            fs::write(&path, text).expect("a file");
            let error = read_file(&path).expect_err("a fault").to_string();
            assert!(error.contains(why) && !error.contains('\n'), "{error}");
        }
    }
}
