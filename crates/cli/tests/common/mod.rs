//! The finished program, for tests of the whole: servers, a client of their API, and commands.
//!
//! A test starts a [`Server`] of its own, on free ports and in a folder of its own that goes with it, with an
//! account and a client that are known from the start:
//!
//! ```text
//! let server = Server::start();
//! let api = server.api();
//! let made = api.post("wallets/cards/batch", &json!({"cards": [{"card_id": "a"}]})).ok();
//! let token = made["cards"][0]["card_token"]["token"]["value"].as_str();
//! ```
//!
//! Nothing here sleeps but what polls and gives up, as [`until`] does. Everything is blocking; threads make it
//! concurrent.

// Each file of tests takes what it needs.
#![allow(dead_code)]

pub mod files;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The account and client that [`Options`] bring along unless told otherwise.
pub const ACCOUNT: &str = "T12345678";
pub const CLIENT_ID: &str = "first-client";
pub const CLIENT_SECRET: &str = "a-secret-of-more-than-32-characters";

/// How long anything may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a client keeps an idle connection: less than a server does, which could close it at the very moment of a
/// request.
const IDLE_MAX: Duration = Duration::from_secs(30);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("threads"));

/// The program with these arguments, an environment without its variables, and nobody at a terminal.
pub fn gavekort<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gavekort"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GAVEKORT_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A command's end, as text.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What it printed as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("{fault} in {self:?}"))
    }

    /// Fails the test unless the exit code is this.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ended {
    command.output().expect("the program starts").into()
}

/// Asks again and again until the answer is not `None`, and fails the test when it never is.
#[track_caller]
pub fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    let Some(answer) = patiently(ask) else {
        panic!("{what}: not in {PATIENCE:?}");
    };
    answer
}

/// Asks again and again until the answer is not `None`, and gives up when it never is.
fn patiently<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() >= give_up_at {
            return answer;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// How a server is to be started.
pub struct Options {
    data: Arc<Folder>,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    listen: String,
}

/// A data directory, either a temporary one that goes with the last server on it, or one that a test keeps.
enum Folder {
    Temporary(TempDir, PathBuf),
    Kept(PathBuf),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data: Arc::new(Folder::temporary()),
            arguments: ["--admin-listen", "127.0.0.1:0"].map(str::to_owned).to_vec(),
            variables: Vec::new(),
            listen: "127.0.0.1:0".to_owned(),
        }
        .variable("GAVEKORT_BOOTSTRAP_ACCOUNT", ACCOUNT)
        .variable("GAVEKORT_BOOTSTRAP_CLIENT_ID", CLIENT_ID)
        .variable("GAVEKORT_BOOTSTRAP_CLIENT_SECRET", CLIENT_SECRET)
    }
}

impl Options {
    /// In this directory, which stays.
    pub fn data(mut self, folder: &Path) -> Self {
        self.data = Arc::new(Folder::Kept(folder.to_owned()));
        self
    }

    /// At this address instead of a free port.
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = address.to_owned();
        self
    }

    /// With more arguments.
    pub fn arguments<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.arguments.extend(arguments.map(str::to_owned));
        self
    }

    /// With a variable; empty is as good as none.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without the account and client that are made otherwise.
    pub fn without_bootstrap(self) -> Self {
        ["ACCOUNT", "CLIENT_ID", "CLIENT_SECRET"]
            .into_iter()
            .fold(self, |options, name| options.variable(&format!("GAVEKORT_BOOTSTRAP_{name}"), ""))
    }

    /// The command that starts it.
    pub fn command(&self) -> Command {
        let mut command = gavekort(["serve", "--listen", &self.listen]);
        command.arg("--data").arg(self.data.path()).args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it, and fails the test when it does not become ready.
    #[track_caller]
    pub fn start(self) -> Server {
        let mut child = self.command().spawn().expect("the program starts");
        let log = Arc::new(Mutex::new(String::new()));
        let ready = watch(&mut child, &log);
        let url = ready.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ended = child.kill();
            panic!("the server did not become ready:\n{}", log.lock().expect("a log"));
        });
        Server { child, url, options: self, log }
    }

    /// Runs it when it is not expected to become ready; one that serves all the same is ended after a while.
    pub fn refused(self) -> Ended {
        let mut child = self.command().spawn().expect("the program starts");
        let _ended = patiently(|| child.try_wait().expect("a process"));
        // It fails where it has ended, as it should.
        let _killed = child.kill();
        child.wait_with_output().expect("its end").into()
    }
}

impl Folder {
    /// One that is not there yet: the program makes it, with the mode it wants.
    fn temporary() -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("data");
        Self::Temporary(folder, path)
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(_, path) | Self::Kept(path) => path,
        }
    }
}

/// Collects what the server says, and tells its URL once it is ready.
fn watch(child: &mut Child, log: &Arc<Mutex<String>>) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let log = log.clone();
    thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            // As a line of its own, or as the message of a line of JSON.
            if let Some((_, url)) = line.split_once("listening on ") {
                let url = url.split('"').next().unwrap_or(url);
                let _test_gone = tell.send(url.to_owned());
            }
            let mut log = log.lock().expect("a log");
            log.push_str(&line);
            log.push('\n');
        }
    });
    told
}

/// A server process. It is killed when dropped; [`Server::stop`] stops it in an orderly way.
pub struct Server {
    child: Child,
    /// Where its API is, such as `http://127.0.0.1:40123`.
    pub url: String,
    options: Options,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// A server in a temporary folder, on free ports, with the account and client of this module.
    #[track_caller]
    pub fn start() -> Self {
        Options::default().start()
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        self.options.data.path()
    }

    /// The URL of its database, where that is a PostgreSQL.
    pub fn database_url(&self) -> Option<&str> {
        let variable = self.options.variables.iter().find(|(name, _)| name == "GAVEKORT_DATABASE_URL");
        variable.map(|(_, url)| url.as_str())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("a log").clone()
    }

    /// A client of its account, with an access token.
    #[track_caller]
    pub fn api(&self) -> Api {
        Api::new(&self.url, ACCOUNT, CLIENT_ID, CLIENT_SECRET)
    }

    /// A command that has the server and its first client in its variables.
    pub fn client_command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = gavekort(arguments);
        command
            .env("GAVEKORT_URL", &self.url)
            .env("GAVEKORT_ACCOUNT", ACCOUNT)
            .env("GAVEKORT_CLIENT_ID", CLIENT_ID)
            .env("GAVEKORT_CLIENT_SECRET", CLIENT_SECRET);
        command
    }

    /// A command at the server's own shell: it knows where the database is.
    pub fn operator_command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = gavekort(arguments);
        command.env("GAVEKORT_DATA", self.data());
        command.envs(self.database_url().map(|url| ("GAVEKORT_DATABASE_URL", url)));
        command
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a process");
    }

    /// Waits for its end, however that comes.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        until("the server ends", || self.child.try_wait().expect("a process"))
    }

    /// Stops it with SIGTERM; fails the test unless it ends well. Answers how to start it again on its directory.
    #[track_caller]
    pub fn stop(mut self) -> Options {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{}", self.log());
        self.again()
    }

    /// Kills it with SIGKILL. Answers how to start it again on its directory.
    pub fn kill(mut self) -> Options {
        self.child.kill().expect("a process");
        self.child.wait().expect("its end");
        self.again()
    }

    /// As it was started, but at the address that it had.
    fn again(&self) -> Options {
        let options = &self.options;
        let listen = self.url.trim_start_matches("http://").trim_start_matches("https://").to_owned();
        let (data, arguments) = (options.data.clone(), options.arguments.clone());
        Options { data, arguments, variables: options.variables.clone(), listen }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// A client of one account with an access token. Clones share connections.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    /// `http://127.0.0.1:40123/v1/accounts/T12345678`
    pub base: String,
    pub token: String,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body, or the end of the test unless the status is 200.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// The code of a refusal.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

impl Api {
    /// Gets a token by client credentials; fails the test when it is refused.
    #[track_caller]
    pub fn new(url: &str, account: &str, client_id: &str, secret: &str) -> Self {
        let answer = Self::ask_for_token(url, account, client_id, secret).ok();
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        Self { http: http(), base: format!("{url}/v1/accounts/{account}"), token }
    }

    /// Asks for a token.
    #[track_caller]
    pub fn ask_for_token(url: &str, account: &str, client_id: &str, secret: &str) -> Answer {
        let base = format!("{url}/v1/accounts/{account}");
        let body = json!({"grant_type": "client_credentials", "audience": base});
        let request =
            http().post(format!("{base}/auth/token")).basic_auth(client_id, Some(secret)).json(&body);
        send(request).expect("an answer")
    }

    /// `GET`, below the account: `wallets/cards`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.try_send(Method::GET, path, None, &[]).expect("an answer")
    }

    /// `POST`, below the account.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_send(Method::POST, path, Some(body), &[]).expect("an answer")
    }

    /// `POST` with an `Idempotency-Key`.
    #[track_caller]
    pub fn post_keyed(&self, path: &str, body: &Value, key: &str) -> Answer {
        self.try_send(Method::POST, path, Some(body), &[("idempotency-key", key)]).expect("an answer")
    }

    /// Any request; the error is that no answer came.
    pub fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.http.request(method, format!("{}/{path}", self.base)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        send(request)
    }

    /// Makes inactive cards with these ids; answers them with their secrets.
    #[track_caller]
    pub fn batch(&self, card_ids: &[&str]) -> Vec<Value> {
        let cards: Vec<Value> = card_ids.iter().map(|id| json!({"card_id": id})).collect();
        let made = self.post("wallets/cards/batch", &json!({"cards": cards})).ok();
        made["cards"].as_array().expect("cards").clone()
    }

    /// Makes a card and activates it with an amount of NOK in øre.
    #[track_caller]
    pub fn card_with(&self, card_id: &str, amount: i64) -> Value {
        self.batch(&[card_id]);
        let body = json!({"amount": amount, "currency": "NOK"});
        self.post(&format!("wallets/cards/{card_id}/activate"), &body).ok()
    }

    /// Takes an amount of NOK in øre from a card.
    pub fn drawdown(&self, card_id: &str, ref_id: &str, amount: i64) -> Result<Answer, reqwest::Error> {
        let body = json!({
            "card_id": card_id, "ref_id": ref_id, "type": "drawdown", "amount": amount, "currency": "NOK",
        });
        self.try_send(Method::POST, "wallets/transactions", Some(&body), &[])
    }
}

/// A request to any URL, without credentials.
#[track_caller]
pub fn get(url: &str) -> (u16, String) {
    let request = http().get(url);
    RUNTIME.block_on(async {
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    })
}

fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE);
    builder.pool_idle_timeout(IDLE_MAX).build().expect("a client")
}

fn send(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    RUNTIME.block_on(async {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?;
        Ok(Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    })
}
