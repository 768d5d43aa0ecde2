//! The master key: from a setting, from the data directory, or made for a new one.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use service::{MasterKey, Secret, SystemRandom};

use crate::data::DataFolder;
use crate::exit::usage;
use crate::files;

/// The key of a data directory. It is made only together with the database: a database that is there needs the
/// key it was made with, and no other would do.
pub fn obtain(folder: &DataFolder, given: Option<&Secret>) -> Result<MasterKey> {
    if let Some(found) = find(folder, given)? {
        return Ok(found);
    }
    let path = folder.master_key();
    if folder.database().exists() {
        return Err(anyhow!(
            "the master key of {} is missing: bring {} back, or set GAVEKORT_MASTER_KEY or GAVEKORT_MASTER_KEY_FILE. \
             Without it the tokens, PINs and client secrets in this database cannot be checked",
            folder.database().display(),
            path.display()
        ));
    }
    make(&path)
}

/// The key of a database that servers share. Each is given it, and none makes one: another one would make another one.
pub fn given(given: Option<&Secret>) -> Result<MasterKey> {
    let given = given.ok_or_else(|| {
        usage(
            "servers on a database share a master key: set GAVEKORT_MASTER_KEY_FILE or GAVEKORT_MASTER_KEY; \
             `gavekort init FILE` makes one",
        )
    })?;
    read_text(given)
}

fn read_text(given: &Secret) -> Result<MasterKey> {
    MasterKey::from_base64(given.expose()).map_err(|fault| usage(format!("master_key: {fault}")))
}

/// The key that is there, if any.
pub fn find(folder: &DataFolder, given: Option<&Secret>) -> Result<Option<MasterKey>> {
    if let Some(given) = given {
        return read_text(given).map(Some);
    }
    let path = folder.master_key();
    if path.exists() { read(&path).map(Some) } else { Ok(None) }
}

fn read(path: &Path) -> Result<MasterKey> {
    if let Some(mode) = files::mode_open_to_others(path)? {
        let name = path.display();
        return Err(anyhow!("{name} can be read by others (mode {mode}): run `chmod 600 {name}`"));
    }
    let text = fs::read_to_string(path).map(Secret::new);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    MasterKey::from_base64(text.expose()).with_context(|| path.display().to_string())
}

fn make(path: &Path) -> Result<MasterKey> {
    let key = MasterKey::generate(&SystemRandom);
    let mut line = key.to_base64();
    line.push('\n');
    match files::write_private_new(path, line.as_bytes()) {
        Ok(()) => Ok(key),
        // Another process begins in the same directory; one of the two will get the lock.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_for_a_new_database() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::new(temporary.path());
        let made = obtain(&folder, None).expect("made");
        let read = obtain(&folder, None).expect("read");
        assert_eq!(*made.to_base64(), *read.to_base64());
        assert_eq!(files::mode_open_to_others(&folder.master_key()).expect("a file"), None);

        fs::write(folder.database(), "").expect("a database");
        assert!(obtain(&folder, None).is_ok());
        fs::remove_file(folder.master_key()).expect("gone");
        let error = obtain(&folder, None).err().expect("refused").to_string();
        assert!(error.contains("is missing"), "{error}");
        assert!(!folder.master_key().exists());
    }

    #[test]
    fn a_shared_database_needs_a_key_that_is_given() {
        let error = super::given(None).err().expect("refused").to_string();
        assert!(error.contains("gavekort init"), "{error}");
        let key = MasterKey::generate(&SystemRandom).to_base64();
        assert_eq!(*super::given(Some(&Secret::new(key.to_string()))).expect("taken").to_base64(), *key);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::new(temporary.path());
        obtain(&folder, None).expect("made");
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(folder.master_key(), fs::Permissions::from_mode(mode)).expect("changed");
            let error = obtain(&folder, None).err().expect("refused").to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_given_key_comes_before_the_file() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::new(temporary.path());
        obtain(&folder, None).expect("made");
        let other = MasterKey::generate(&SystemRandom).to_base64();
        let given = Secret::new(other.to_string());
        assert_eq!(*obtain(&folder, Some(&given)).expect("taken").to_base64(), *other);
        assert!(obtain(&folder, Some(&Secret::new("short".to_owned()))).is_err());
    }
}
