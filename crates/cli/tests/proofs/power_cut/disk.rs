//! A disk whose power can be cut.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const DISK_BYTES: u64 = 256 << 20;

/// How long somebody may still use the disk whose power was cut.
const USED_MAX: Duration = Duration::from_secs(60);

const CUT: &str = include_str!("cut.c");
const NO_SYNC: &str = include_str!("no_sync.c");

/// An ext4 file system in a file, mounted by way of a loop device.
pub struct Disk {
    folder: TempDir,
    cut: PathBuf,
}

impl Disk {
    /// Makes and mounts one. The error is why that is not permitted here.
    pub fn new() -> Result<Self, String> {
        let folder = TempDir::new().expect("a folder");
        // A server that runs for another user must come through.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("a mode");
        let cut = compiled(folder.path(), "cut", CUT, &[]);
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
        compiled(self.folder.path(), "no_sync", NO_SYNC, &["-shared", "-fPIC"])
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
        let give_up_at = Instant::now() + USED_MAX;
        while !self.unmount() {
            assert!(Instant::now() < give_up_at, "the disk is still in use");
        }
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

fn compiled(folder: &Path, name: &str, text: &str, more: &[&str]) -> PathBuf {
    let (program, source) = (folder.join(name), folder.join(name).with_extension("c"));
    std::fs::write(&source, text).expect("a file");
    succeed(Command::new("cc").args(more).arg("-o").arg(&program).arg(source)).expect("a C compiler");
    program
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program:?}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program:?}: {error}")),
    }
}
