//! `gavekort serve`: the store, the service and the listeners, from start to stop.

pub mod bootstrap;
mod listen;
pub mod master_key;
pub mod open;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result};
use domain::Mode;
use serde_json::json;
use service::{PublicHosts, Service};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::data::DataFolder;
use crate::exit::{Exit, Failure, usage};
use crate::settings::{Flags, Layers, LogFormat, Server};
use crate::{files, logs, output};
use listen::{Listeners, OperatorSocket};
use open::Opened;

/// The command.
pub async fn run(flags: Flags) -> Result<()> {
    let settings = Server::new(&Layers::new(flags)?.effective()?)?;
    logs::start(settings.log_format, &settings.log_level)?;
    // From here on a signal is an orderly stop, also while the server is still starting.
    let mut signals = Signals::new()?;
    listen::raise_descriptors();
    let public = listen::bind(settings.listen).await?;
    let mut running = Running::start(&settings, public).await?;
    running.announce(&settings)?;
    let end = running.wait(&mut signals).await;
    tokio::select! {
        stopped = running.stop() => stopped?,
        _ = signals.next() => output::note("stopping at once, without waiting for requests"),
    }
    end
}

/// A server that runs.
pub struct Running {
    /// A URL that reaches it from this machine.
    pub url: String,
    opened: Opened,
    listeners: Listeners,
    watch: JoinSet<()>,
    /// The operator's way in, which a data directory has. In a shared database operators write themselves.
    socket: Option<OperatorSocket>,
    public: SocketAddr,
    ready_file: Option<PathBuf>,
}

impl Running {
    /// Opens the data directory or the database and serves it, on a listener that is already bound: clients that
    /// come meanwhile wait instead of being refused.
    pub async fn start(settings: &Server, public: TcpListener) -> Result<Self> {
        let address = public.local_addr()?;
        let place = settings.place();
        let urls = open::public_urls(&settings.public_urls, address, settings.tls.is_some());
        let hosts = PublicHosts::new(&urls, &settings.audience_aliases);
        tracing::info!(
            public_urls = urls.join(" "),
            "clients may name these URLs as audience; see --public-url"
        );
        let tls = listen::tls(settings)?;
        let opened = open::open(&place, settings.master_key.as_ref(), hosts).await?;
        let url = listen::local_url(address, settings.tls.is_some());
        match Self::serve(settings, place.folder(), public, tls, &opened, &urls).await {
            Ok((listeners, socket)) => {
                let watch = watch::start(&opened, &listeners.is_ready);
                let ready_file = settings.ready_file.clone();
                Ok(Self { url, opened, listeners, watch, socket, public: address, ready_file })
            }
            Err(error) => {
                opened.store.close().await?;
                Err(error)
            }
        }
    }

    async fn serve(
        settings: &Server,
        folder: Option<&DataFolder>,
        public: TcpListener,
        tls: Option<web::server::Tls>,
        opened: &Opened,
        urls: &[String],
    ) -> Result<(Listeners, Option<OperatorSocket>)> {
        let service = &opened.service;
        let url = urls.first().map_or("", String::as_str);
        refuse_exposed_money(settings, service).await?;
        bootstrap::first_account(service, folder, settings.bootstrap.as_ref(), url).await?;
        let (socket, operator) = folder.map(OperatorSocket::bind).transpose()?.unzip();
        let started = Listeners::start(settings, service, public, tls, operator).await;
        if let (Err(_), Some(socket)) = (&started, &socket) {
            socket.remove();
        }
        Ok((started?, socket))
    }

    /// Says where the server is, on standard error and to the file that waits for it.
    fn announce(&self, settings: &Server) -> Result<()> {
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let line = format!("listening on {scheme}://{}", self.public);
        match settings.log_format {
            // Whatever the log's level, somebody waits for this line.
            LogFormat::Text => output::note(line),
            LogFormat::Json if tracing::enabled!(tracing::Level::INFO) => tracing::info!("{line}"),
            LogFormat::Json => output::note(json!({"level": "INFO", "message": line}).to_string()),
        }
        if let Some(file) = &self.ready_file {
            let addresses = json!({
                "listen": self.public.to_string(),
                "admin_listen": self.listeners.admin.map(|address| address.to_string()),
                "url": self.url,
                "pid": std::process::id(),
            });
            let written = files::write_private(file, format!("{addresses}\n").as_bytes());
            written.with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }

    /// The use cases it serves.
    pub fn service(&self) -> &Service {
        &self.opened.service
    }

    /// Waits until a signal asks for the end, or the store calls for it.
    async fn wait(&mut self, signals: &mut Signals) -> Result<()> {
        tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "stopping");
                Ok(())
            }
            () = self.opened.store.failed() => {
                let text = "the outcome of a commit is unknown, so this process ends; start it again";
                tracing::error!("{text}");
                Err(Failure::new(Exit::Broken, text).into())
            }
        }
    }

    /// Takes nothing new, answers what was accepted, closes the store.
    pub async fn stop(mut self) -> Result<()> {
        // Whoever balances load is told first.
        self.listeners.is_stopping.store(true, Ordering::Relaxed);
        self.watch.shutdown().await;
        self.listeners.is_ready.store(false, Ordering::Relaxed);
        self.listeners.stop.send_replace(true);
        let mut connections_cut = 0;
        while let Some(stopped) = self.listeners.servers.join_next().await {
            connections_cut += stopped.map_or(0, |stopped| stopped.connections_cut);
        }
        if connections_cut > 0 {
            tracing::warn!(connections_cut, "some requests took too long to be waited for");
        }
        if let Some(socket) = &self.socket {
            socket.remove();
        }
        self.opened.store.close().await.context("cannot close the store")?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Real money goes over no wire that others can listen to.
async fn refuse_exposed_money(settings: &Server, service: &Service) -> Result<()> {
    if !settings.is_exposed() {
        return Ok(());
    }
    let accounts = service.accounts().await.context("cannot read the accounts")?;
    let first = settings.bootstrap.as_ref().filter(|_| accounts.is_empty()).map(|first| first.account);
    if accounts.iter().map(|account| account.aid).chain(first).all(|aid| aid.mode() == Mode::Test) {
        tracing::warn!(listen = %settings.listen, "serving plain HTTP beyond this machine, for test accounts only");
        return Ok(());
    }
    Err(usage(format!(
        "refusing to serve a production account on {} without HTTPS: give --tls-cert and --tls-key, or listen on a \
         loopback address, or say --behind-proxy if a proxy in front does HTTPS",
        settings.listen
    )))
}

/// What asks a server to stop.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on these no longer end the process by themselves.
    pub fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// The next one's name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
