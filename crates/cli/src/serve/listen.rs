//! The listeners: the public one, the operator's socket, and the one for metrics.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use service::Service;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;
use web::api::ApiSettings;
use web::server::{Limits, Metrics, Ready, Server, Stopped, StoreFigures, Tls, TlsFiles};

use super::open;
use crate::data::DataFolder;
use crate::settings::Server as Settings;

/// Descriptors that are not for clients: the store's files, the listeners, the log.
const DESCRIPTORS_KEPT: usize = 64;

/// An operator has few tools open at once.
const OPERATOR_CONNECTIONS_MAX: usize = 16;

/// The servers that run, and how to end them.
pub struct Listeners {
    pub is_ready: Arc<AtomicBool>,
    pub is_stopping: Arc<AtomicBool>,
    pub stop: watch::Sender<bool>,
    pub servers: JoinSet<Stopped>,
    pub admin: Option<SocketAddr>,
}

/// Binds an address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// The certificate and its key, where HTTPS is served.
pub fn tls(settings: &Settings) -> Result<Option<Tls>> {
    let Some(files) = &settings.tls else {
        return Ok(None);
    };
    let read = |path: &PathBuf| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let contents = TlsFiles { cert: read(&files.cert)?, key: read(&files.key)? };
    let tls = Tls::new(&contents)
        .with_context(|| format!("cannot use {} and {}", files.cert.display(), files.key.display()))?;
    Ok(Some(tls))
}

/// A URL by which this machine reaches what listens there.
pub fn local_url(address: SocketAddr, has_tls: bool) -> String {
    let scheme = if has_tls { "https" } else { "http" };
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

impl Listeners {
    /// Serves on all of them.
    pub async fn start(
        settings: &Settings,
        service: &Arc<Service>,
        public: TcpListener,
        tls: Option<Tls>,
        socket: Option<UnixListener>,
    ) -> Result<Self> {
        let is_ready = Arc::new(AtomicBool::new(true));
        let is_stopping = Arc::new(AtomicBool::new(false));
        let flag = is_ready.clone();
        let ready: Ready = Arc::new(move || flag.load(Ordering::Relaxed));
        let metrics = metrics(service);
        let (stop, stopping) = watch::channel(false);
        let mut servers = JoinSet::new();

        let mut admin = None;
        if let Some(address) = settings.admin_listen {
            let listener = bind(address).await.context("set --admin-listen to another address, or to off")?;
            admin = Some(listener.local_addr()?);
            let server = Server::new("admin", web::server::admin_router(metrics.clone(), ready), &metrics);
            servers.spawn(server.serve(listener, None, stopping.clone()));
        }
        if let Some(socket) = socket {
            let operator = open::operator_router(service, settings);
            let server = Server::new("operator", operator, &metrics).limits(limits(OPERATOR_CONNECTIONS_MAX));
            servers.spawn(server.serve_unix(socket, stopping.clone()));
        }

        let api = web::api::router(service.clone(), api_settings(settings, is_stopping.clone()));
        let server = Server::new("public", api, &metrics).limits(limits(settings.max_connections));
        servers.spawn(server.serve(public, tls, stopping));
        Ok(Self { is_ready, is_stopping, stop, servers, admin })
    }
}

fn api_settings(settings: &Settings, is_stopping: Arc<AtomicBool>) -> ApiSettings {
    ApiSettings {
        cors_origins: settings.cors_origins.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
        public_url: settings.public_urls.first().cloned(),
        stopping: is_stopping,
        is_exposed: settings.is_exposed(),
    }
}

/// Lets this process open as many files as the system allows it. What it is given at first is often 1,024, for
/// the sake of programs that use `select`.
pub fn raise_descriptors() {
    let bound = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: bound.maximum, maximum: bound.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the bound on open files stays as it is");
    }
}

fn limits(connections_max: usize) -> Limits {
    let descriptors = web::server::descriptors_max().and_then(|max| usize::try_from(max).ok());
    let possible = descriptors.map_or(usize::MAX, |max| max.saturating_sub(DESCRIPTORS_KEPT));
    if connections_max > possible {
        tracing::warn!(connections_max, possible, "more connections than this process may have open");
    }
    Limits { connections_max: connections_max.min(possible.max(1)), ..Limits::default() }
}

fn metrics(service: &Arc<Service>) -> Metrics {
    let service = service.clone();
    Metrics::new(env!("CARGO_PKG_VERSION"), move || {
        let load = service.load();
        StoreFigures {
            queued_orders: load.queued_orders as u64,
            commits_total: load.commits_total,
            orders_total: load.orders_total,
            wal_bytes: Some(load.wal_bytes),
        }
    })
}

/// A socket in the data directory that only its owner can use.
pub struct OperatorSocket(PathBuf);

impl OperatorSocket {
    /// Takes the place of a socket that a killed server left: the store's lock says that there is no other.
    pub fn bind(folder: &DataFolder) -> Result<(Self, UnixListener)> {
        let path = folder.socket();
        let mut new = path.clone().into_os_string();
        new.push(".new");
        let bound = || -> io::Result<UnixListener> {
            match fs::remove_file(&new) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&new)?;
            // Under its own name only once nobody else can use it.
            fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
            fs::rename(&new, &path)?;
            Ok(listener)
        };
        let listener = bound().with_context(|| format!("cannot listen on {}", path.display()))?;
        Ok((Self(path), listener))
    }

    /// Removes it, while the store's lock is still held.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(%error, socket = %self.0.display(), "the operator's socket could not be removed");
        }
    }
}
