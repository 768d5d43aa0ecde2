//! `gavekort quickstart`: the main job from nothing, through the same HTTP API that everybody uses.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use domain::{Currency, Mode, Name};
use serde_json::{Value, json};
use service::{NewAccount, Secret, deadline};
use tokio::net::TcpListener;

use crate::cards::issue::{self, Manner, Plan};
use crate::cards::shown;
use crate::data::DataFolder;
use crate::http::{Access, Api, Call, Http};
use crate::output::{self, Style};
use crate::serve::bootstrap::Credentials;
use crate::serve::{Running, Signals};
use crate::settings::{DEFAULT_LISTEN, Flags, Layers, Server};
use crate::{files, logs, random};

/// Ports tried, from the default one on.
const PORTS_TRIED: u16 = 50;

/// What the one card is sold for, and what is taken from it: 500.00 and 120.00.
const SOLD_FOR: i64 = 50_000;
const SPENT: i64 = 12_000;
const CURRENCY: &str = "NOK";

/// How it is to go.
#[derive(clap::Args, Debug)]
pub struct QuickstartFlags {
    /// Data directory
    #[arg(long, value_name = "DIR", default_value = "gavekort-quickstart")]
    data: PathBuf,
    /// Address to serve the API on [default: 127.0.0.1:8080, or the next free port]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// How many cards to make
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    cards: u64,
    /// Where to write the cards [default: cards.csv in the data directory, or cards-2.csv …]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// End when done, instead of serving until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// What was done, and how long each step took.
struct Shown {
    url: String,
    account: String,
    folder: DataFolder,
    cards: u64,
    file: PathBuf,
    first_card: String,
    second_card: String,
    left: i64,
    token: Secret,
    access: Access,
    took: Vec<(&'static str, Duration)>,
}

/// The command.
pub async fn run(flags: QuickstartFlags) -> Result<()> {
    let settings = settings(&flags)?;
    logs::start(settings.log_format, &settings.log_level)?;
    let mut signals = Signals::new()?;
    let mut watch = Stopwatch::start();
    let public = listen(&flags, settings.listen).await?;
    let running = Running::start(&settings, public).await?;
    watch.lap("start");
    let shown = tokio::select! {
        shown = show(&flags, &settings, &running, watch) => shown,
        _ = signals.next() => Err(anyhow::anyhow!("interrupted")),
    };
    let told = shown.and_then(|shown| shown.tell(&flags));
    if told.is_ok() && !flags.exit {
        output::note(format!("listening on {}; Ctrl-C ends the server", running.url));
        signals.next().await;
    }
    running.stop().await?;
    told
}

fn settings(flags: &QuickstartFlags) -> Result<Server> {
    let mut given = Flags::default();
    given.set("data", flags.data.to_string_lossy());
    given.set("listen", flags.listen.as_deref().unwrap_or(DEFAULT_LISTEN));
    given.set("admin_listen", "off");
    given.set("log_level", "warn");
    // It shows itself from nothing, whatever this shell is set up for.
    Ok(Server { database_url: None, ..Server::new(&Layers::new(given)?.effective()?)? })
}

/// The address that was asked for; without one, the first free port from the default on.
async fn listen(flags: &QuickstartFlags, address: SocketAddr) -> Result<TcpListener> {
    let tried = if flags.listen.is_some() { 1 } else { PORTS_TRIED };
    let mut port = address.port();
    for left in (0..tried).rev() {
        match TcpListener::bind((address.ip(), port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && left > 0 => port += 1,
            bound => return bound.with_context(|| format!("cannot listen on {}:{port}", address.ip())),
        }
    }
    anyhow::bail!("no free port from {address} on")
}

async fn show(
    flags: &QuickstartFlags,
    settings: &Server,
    running: &Running,
    mut watch: Stopwatch,
) -> Result<Shown> {
    let folder = DataFolder::new(&settings.data);
    let access = access(&folder, running).await?;
    let api = Api::new(Http::to_url(&running.url)?, access.clone());
    watch.lap("credentials");
    let token = api.access_token().await?;
    watch.lap("token");

    let plan = plan(&api, flags.cards);
    let (first_card, count) = (plan.card_id(plan.first), plan.count);
    // Of a single card that is the first one again.
    let second_card = plan.card_id(plan.first + (count - 1).min(1));
    let file = flags.out.clone().unwrap_or_else(|| free_name(&folder));
    let manner = Manner { in_flight: 2, patience: Duration::from_secs(30), progress: !flags.json };
    issue::issue(&api, plan, &file, &manner).await?;
    watch.lap("cards");

    let card = ["v1", "accounts", api.account(), "wallets", "cards", &first_card];
    let sale = json!({"amount": SOLD_FOR, "currency": CURRENCY});
    let mut call = Call::post(card, sale);
    call.path.push("activate".to_owned());
    api.send(&call).await?.read::<Value>()?;
    watch.lap("activation");

    let spending = json!({
        "token": first_token(&file)?, "ref_id": "receipt-1", "type": "drawdown", "amount": SPENT, "currency": CURRENCY,
    });
    let path = ["v1", "accounts", api.account(), "wallets", "transactions"];
    api.send(&Call::post(path, spending)).await?.read::<Value>()?;
    watch.lap("drawdown");
    let left: Value = api.send(&Call::get(card)).await?.read()?;
    let left = left["amount_available"].as_i64().context("a card without an available amount")?;

    let (url, account) = (running.url.clone(), access.account.clone());
    let (cards, took) = (count, watch.laps);
    Ok(Shown { url, account, folder, cards, file, first_card, second_card, left, token, access, took })
}

/// The credentials that the first start left; where somebody took them away, those of an account of its own.
async fn access(folder: &DataFolder, running: &Running) -> Result<Access> {
    let of = |account, client_id, secret| Access { account, client_id, secret, audience: None };
    let path = folder.first_client();
    if path.exists() {
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let kept: Credentials = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        return Ok(of(kept.account, kept.client_id, Secret::new(kept.client_secret)));
    }
    let service = running.service();
    let first = service.make_first_client(Name::try_from("Quickstart")?);
    let name = "Quickstart".to_owned();
    let new = NewAccount { aid: None, mode: Mode::Test, name, default_currency: Currency::NOK };
    let made = service.create_account(&new, &first, false).await?.context("the account was not made")?;
    Ok(of(made.aid.to_string(), first.client_id.as_str().to_owned(), first.secret.clone()))
}

/// Numbers as cards have them: twenty digits are a shorter Code 128 than nineteen, and nobody guesses them.
fn plan(api: &Api, count: u64) -> Plan {
    let run = random::uuid().simple().to_string();
    let format = json!({"length": 20, "numbers": true, "prefix": "", "barcode": true});
    Plan {
        url: api.base().to_owned(),
        account: api.account().to_owned(),
        client_id: api.client_id().to_owned(),
        prefix: format!("QS-{}-", &run[..8]),
        first: 1,
        count,
        batch_size: 1_000,
        options: json!({"card_token": {"format": format}, "pin": {"format": {"length": 6}}}),
        expires_at: None,
    }
}

fn free_name(folder: &DataFolder) -> PathBuf {
    let name = |run: u32| if run == 1 { "cards.csv".to_owned() } else { format!("cards-{run}.csv") };
    let mut paths = (1..).map(|run| folder.path().join(name(run)));
    paths.find(|path| !path.exists()).unwrap_or_else(|| folder.path().join("cards.csv"))
}

fn first_token(file: &Path) -> Result<String> {
    let mut reader = csv::Reader::from_path(file)?;
    let row = reader.records().next().context("no card was written")??;
    Ok(row.get(2).context("a row without a token")?.to_owned())
}

impl Shown {
    fn tell(&self, flags: &QuickstartFlags) -> Result<()> {
        let env = self.folder.path().join("env");
        files::write_private(&env, self.exports().as_bytes())
            .with_context(|| format!("cannot write {}", env.display()))?;
        if flags.json {
            return output::json(&self.as_json());
        }
        output::data(self.report() + &self.next_steps(&env, flags.exit))
    }

    fn as_json(&self) -> Value {
        let ms = |took: &Duration| took.as_secs_f64() * 1_000.0;
        let took: serde_json::Map<_, _> =
            self.took.iter().map(|(name, took)| ((*name).to_owned(), ms(took).into())).collect();
        json!({
            "url": self.url, "account": self.account, "data": self.folder.path(), "file": self.file,
            "cards": self.cards, "first_card": self.first_card, "amount_available": self.left, "took_ms": took,
        })
    }

    fn report(&self) -> String {
        let took =
            |name| self.took.iter().find(|(lap, _)| *lap == name).map_or(Duration::ZERO, |(_, took)| *took);
        let shown_as = |name| format!("{:.1} ms", took(name).as_secs_f64() * 1_000.0);
        let rows = [
            ("server", format!("{}, data in {}", self.url, self.folder.path().display()), shown_as("start")),
            ("token", format!("for account {}", self.account), shown_as("token")),
            ("cards", format!("{}, each with token, PIN and barcode", self.cards), shown_as("cards")),
            ("", format!("in {}", self.file.display()), String::new()),
            (
                "sold",
                format!("{} for {}", self.first_card, shown(SOLD_FOR, CURRENCY)),
                shown_as("activation"),
            ),
            ("spent", format!("{} by its token", shown(SPENT, CURRENCY)), shown_as("drawdown")),
            ("", format!("{} left", shown(self.left, CURRENCY)), String::new()),
        ];
        let mut text = Style::of_stdout().bold("Gavekort quickstart\n");
        for (name, what, took) in rows {
            let line = format!("  {name:<8}{what:<56}{took:>12}");
            let _infallible = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    fn next_steps(&self, env: &Path, ends: bool) -> String {
        let heading = match ends {
            true => format!(
                "Start it again with `gavekort serve --data {}`, and try",
                self.folder.path().display()
            ),
            false => "Try next, in another terminal".to_owned(),
        };
        let bearer = "-H \"Authorization: Bearer $TOKEN\"";
        format!(
            "\n{heading}:\n
  . {env}
  curl -s \"$BASE/wallets/cards/{first}\" {bearer}
  curl -s \"$BASE/wallets/cards/{second}/activate\" {bearer} \\
    -H 'Content-Type: application/json' -d '{{\"amount\": 30000, \"currency\": \"NOK\"}}'
  curl -s \"$BASE/wallets/transactions\" {bearer} -H 'Content-Type: application/json' \\
    -d '{{\"card_id\": \"{second}\", \"ref_id\": \"receipt-2\", \"type\": \"drawdown\",
         \"amount\": 4500, \"currency\": \"NOK\"}}'
  gavekort cards list --limit 5

The API's reference: {url}/docs\n",
            env = Shell(&env.display().to_string()),
            first = self.first_card,
            second = self.second_card,
            url = self.url,
        )
    }

    /// For a shell to read; the file is its owner's alone.
    fn exports(&self) -> String {
        let (url, access) = (&self.url, &self.access);
        format!(
            "export GAVEKORT_URL={url}\nexport GAVEKORT_ACCOUNT={account}\nexport GAVEKORT_CLIENT_ID={client}\n\
             export GAVEKORT_CLIENT_SECRET={secret}\nBASE={url}/v1/accounts/{account}\nTOKEN={token}\n",
            account = access.account,
            client = access.client_id,
            secret = access.secret.expose(),
            token = self.token.expose(),
        )
    }
}

/// A word as a shell reads it.
struct Shell<'a>(&'a str);

impl std::fmt::Display for Shell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        let text = if self.0.contains('/') { self.0.to_owned() } else { format!("./{}", self.0) };
        if text.chars().all(plain) {
            f.write_str(&text)
        } else {
            write!(f, "'{}'", text.replace('\'', r"'\''"))
        }
    }
}

/// How long each step took.
struct Stopwatch {
    began: std::time::Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    fn start() -> Self {
        Self { began: deadline(Duration::ZERO), laps: Vec::new() }
    }

    fn lap(&mut self, name: &'static str) {
        let now = deadline(Duration::ZERO);
        self.laps.push((name, now.duration_since(self.began)));
        self.began = now;
    }
}
