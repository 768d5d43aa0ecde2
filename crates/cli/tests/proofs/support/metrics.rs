//! What a server tells of itself on its admin listener.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{self, Options, Server, until};

/// A server whose metrics can be read.
pub struct Measured {
    /// The server.
    pub server: Server,
    admin: String,
    _folder: TempDir,
}

impl Measured {
    /// Starts a server and learns where its metrics are.
    #[track_caller]
    pub fn start(options: Options) -> Self {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("ready.json");
        let server = options.arguments(["--ready-file", &file.to_string_lossy()]).start();
        let admin = until("the ready file", || address(&file));
        Self { server, admin, _folder: folder }
    }

    /// The whole page of metrics.
    #[track_caller]
    pub fn page(&self) -> String {
        let (status, page) = common::get(&format!("http://{}/metrics", self.admin));
        assert_eq!(status, 200);
        page
    }

    /// A metric, spelled with its labels; 0 where the page does not have it.
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.page();
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// Connections of clients of the API that the server has open.
    #[track_caller]
    pub fn connections(&self) -> f64 {
        self.metric("http_server_connections_open{listener=\"public\"}")
    }

    /// Files and sockets that the server has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.server.pid())).expect("a process").count()
    }
}

fn address(file: &Path) -> Option<String> {
    let ready: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    Some(ready["admin_listen"].as_str()?.to_owned())
}
