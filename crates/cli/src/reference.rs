//! The generated part of `docs/command-line.md`: what clap, the table of settings and the exit codes say.

use std::fs;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::settings::{Definition, Kind, SETTINGS};
use crate::{Arguments, exit};

const BEGIN: &str = "<!-- generated from here on -->\n";

/// Set to 1, the test writes the page instead of comparing it.
const WRITE: &str = "GAVEKORT_TEST_WRITE";

#[test]
fn the_page_of_the_command_line_is_what_the_program_takes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command-line.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (written, generated) = page.split_once(BEGIN).expect("the mark of the generated part");
    for (name, command) in commands() {
        let row = written.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("what `{name}` prints is missing from the page"));
        let has_json = command.get_arguments().any(|argument| argument.get_id() == "json");
        assert_eq!(row.ends_with("| – |"), !has_json, "whether `{name}` takes --json");
    }
    if std::env::var(WRITE).is_ok_and(|write| write == "1") {
        fs::write(&path, format!("{written}{BEGIN}{}", reference())).expect("written");
        return;
    }
    assert!(
        generated == reference(),
        "docs/command-line.md is out of date: {WRITE}=1 cargo test -p cli reference"
    );
}

/// Every command that does something, by what is typed, in the order of the help.
fn commands() -> Vec<(String, Command)> {
    let mut open = vec![("gavekort".to_owned(), Arguments::command())];
    let mut found = Vec::new();
    while let Some((name, command)) = open.pop() {
        let below: Vec<_> = command
            .get_subcommands()
            .map(|below| (format!("{name} {}", below.get_name()), below.clone()))
            .collect();
        if below.is_empty() {
            found.push((name, command));
        }
        open.extend(below.into_iter().rev());
    }
    found
}

fn reference() -> String {
    let commands = commands().into_iter().map(|(name, command)| section(&name, &command));
    format!("{}{}{}", exit_codes(), settings(), commands.collect::<String>())
}

fn exit_codes() -> String {
    let codes = exit::HELP.lines().filter_map(|line| line.trim_start().split_once("  "));
    let rows = codes.filter(|(code, _)| code.parse::<u8>().is_ok()).map(|(code, what)| row([code, what]));
    format!("\n## Exit codes\n\n{}{}", heading(["code", "meaning"]), rows.collect::<String>())
}

fn settings() -> String {
    let settings = SETTINGS.iter().map(|setting| {
        let is_secret = setting.kind == Kind::Secret;
        let flag = if is_secret { String::new() } else { code(&flag(setting)) };
        let key = if is_secret || setting.name == "config" { String::new() } else { code(setting.name) };
        row([
            &flag,
            &code(&setting.variable()),
            &key,
            &setting.default.map(code).unwrap_or_default(),
            setting.help,
        ])
    });
    let heading = heading(["flag", "variable", "file key", "default", "meaning"]);
    format!("\n## Settings of the server\n\n{heading}{}", settings.collect::<String>())
}

fn section(name: &str, command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let mut text = format!("\n## `{name}`\n\n{}\n", about.trim());
    let takes_settings = command.get_arguments().any(|argument| argument.get_id() == "max_connections");
    let own =
        |argument: &&Arg| !takes_settings || SETTINGS.iter().all(|setting| argument.get_id() != setting.name);
    let rows: String = command.get_arguments().filter(own).map(argument).collect();
    if takes_settings {
        text.push_str("\nTakes every [setting of the server](#settings-of-the-server).\n");
    }
    if !rows.is_empty() {
        text.push_str(&format!("\n{}{rows}", heading(["argument", "variable", "default", "meaning"])));
    }
    text
}

fn argument(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let (help, variable) = taken(&help, "[env: ");
    let (help, said) = taken(&help, "[default: ");
    let value = argument.get_value_names().map(|names| names.join(" ")).unwrap_or_default();
    let takes_value = !matches!(argument.get_action(), ArgAction::SetTrue);
    let name = match argument.get_long() {
        Some(flag) if takes_value => format!("--{flag} {value}"),
        Some(flag) => format!("--{flag}"),
        None => value,
    };
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = match said {
        Some(said) => said,
        None if argument.is_required_set() => "required".to_owned(),
        None if takes_value && !defaults.is_empty() => code(&defaults.join(" ")),
        None => String::new(),
    };
    let possible = argument.get_possible_values();
    let possible: Vec<_> = possible.iter().map(|value| code(value.get_name())).collect();
    let meaning =
        if takes_value && !possible.is_empty() { format!("{help}: {}", possible.join(", ")) } else { help };
    row([&code(&name), &variable.map(|name| code(&name)).unwrap_or_default(), &default, &meaning])
}

/// A text without what stands between a mark and the next bracket, and that.
fn taken(text: &str, mark: &str) -> (String, Option<String>) {
    let Some((before, rest)) = text.split_once(mark) else {
        return (text.to_owned(), None);
    };
    let (found, after) = rest.split_once(']').expect("a closing bracket");
    (format!("{}{after}", before.trim_end()), Some(found.to_owned()))
}

fn flag(setting: &Definition) -> String {
    let (name, value) = (setting.name.replace('_', "-"), setting.value);
    if setting.kind == Kind::Switch { format!("--{name}[={value}]") } else { format!("--{name} {value}") }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn heading<const N: usize>(cells: [&str; N]) -> String {
    row(cells) + &format!("|{}\n", "---|".repeat(N))
}

fn row<const N: usize>(cells: [&str; N]) -> String {
    let cells =
        cells.map(
            |cell| if cell.is_empty() { " |".to_owned() } else { format!(" {} |", cell.replace('\n', " ")) },
        );
    format!("|{}\n", cells.concat())
}
