//! Files that nobody else may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::random;

/// Makes a folder for its owner alone, where there is none.
pub fn make_private_folder(folder: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))
}

/// Makes an empty file for its owner alone and opens it for reading and writing; fails where there is one.
pub fn create_private(file: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(file)
}

/// Writes a whole file for its owner alone, durably, or nothing at all; fails where there is one.
pub fn write_private_new(file: &Path, content: &[u8]) -> io::Result<()> {
    let partial = write_partial(file, content)?;
    // Unlike a rename, a link never takes the place of a file that somebody else made meanwhile.
    let linked = fs::hard_link(&partial, file);
    fs::remove_file(&partial)?;
    linked?;
    sync_folder_of(file)
}

/// Writes a whole file for its owner alone, durably; takes the place of the one that is there.
pub fn write_private(file: &Path, content: &[u8]) -> io::Result<()> {
    let partial = write_partial(file, content)?;
    fs::rename(&partial, file)?;
    sync_folder_of(file)
}

fn write_partial(file: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.partial", random::uuid().simple()));
    let partial = PathBuf::from(name);
    let mut opened = create_private(&partial)?;
    let written = opened.write_all(content).and_then(|()| opened.sync_all());
    if written.is_err() {
        // Of no use to anybody; that the disk is full is what is told, whatever becomes of this.
        let _left = fs::remove_file(&partial);
    }
    written.map(|()| partial)
}

/// Makes a file's name as durable as its content.
pub fn sync_folder_of(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

/// A file's or folder's mode, as `chmod` writes it, where others than the owner may do anything with it.
pub fn mode_open_to_others(path: &Path) -> io::Result<Option<String>> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then(|| format!("{mode:04o}")))
}
