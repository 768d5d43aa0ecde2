//! A disk whose power can be cut.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::common::{Ended, until};

const DISK_BYTES: u64 = 256 << 20;

/// An ext4 file system in a file, mounted by way of a loop device.
pub struct Disk {
    folder: TempDir,
    cut: PathBuf,
}

impl Disk {
    /// Makes and mounts one. The error is why that is not permitted here.
    pub fn new() -> Result<Self, String> {
        let folder = TempDir::new().expect("a folder");
        let cut = compiled(folder.path(), "cut.c", &[]);
        let disk = Self { folder, cut };
        let image = File::create(disk.image()).expect("a file");
        image.set_len(DISK_BYTES).expect("room");
        succeed(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image()))?;
        std::fs::create_dir(disk.path()).expect("a folder");
        disk.mount()?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// A library that keeps a program from syncing.
    pub fn no_sync(&self) -> PathBuf {
        compiled(self.folder.path(), "no_sync.c", &["-shared", "-fPIC"])
    }

    /// Writes down all that it holds so far.
    pub fn sync(&self) {
        succeed(Command::new("sync").arg("--file-system").arg(self.path())).expect("synced");
    }

    /// Cuts the power: nothing more reaches the disk, and what was not synced never will.
    pub fn cut(&self) {
        succeed(Command::new(&self.cut).arg(self.path())).expect("cut");
    }

    /// Has the power again.
    pub fn restore(&self) {
        until("nobody uses the disk", || self.unmount().then_some(()));
        self.mount().expect("mounted once more");
    }

    fn mount(&self) -> Result<(), String> {
        succeed(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.path()))
    }

    fn unmount(&self) -> bool {
        Command::new("umount").arg(self.path()).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It fails where nothing could be mounted.
        let _unmounted = self.unmount();
    }
}

fn compiled(folder: &Path, source: &str, more: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proofs/power_cut").join(source);
    let program = folder.join(source.file_stem().expect("a name"));
    succeed(Command::new("cc").args(more).arg("-o").arg(&program).arg(source)).expect("a C compiler");
    program
}

fn succeed(command: &mut Command) -> Result<(), String> {
    match command.output().map(Ended::from) {
        Ok(Ended { code: Some(0), .. }) => Ok(()),
        Ok(ended) => Err(format!("{:?}: {}", command.get_program(), ended.stderr.trim())),
        Err(error) => Err(format!("{:?}: {error}", command.get_program())),
    }
}
