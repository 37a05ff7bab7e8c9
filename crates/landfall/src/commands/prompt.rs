//! `landfall sql` without a query: a prompt with history, where a statement
//! ends with `;`. Ctrl-C cancels a query, Ctrl-D leaves.

use std::borrow::Cow;
use std::io::{IsTerminal, Read, stdin};
use std::path::PathBuf;

use landfall_model::limits;
use reedline::{FileBackedHistory, Prompt, PromptEditMode, PromptHistorySearch, Reedline, Signal, ValidationResult, Validator};

use super::{Client, Failure, sql};
use crate::output::{Format, Screen};

const HISTORY: usize = 10_000;

const HELP: &str = "  \\d         the datasets\n  \\d NAME    the columns of one\n  \\q         leave (so does Ctrl-D)\n  anything else is SQL and ends with `;`";

pub async fn open(client: Client, format: Format, screen: Screen) -> Result<(), Failure> {
    if !stdin().is_terminal() {
        let mut text = String::new();
        stdin().take(u64::try_from(limits::SQL_BYTES_MAX).unwrap_or(u64::MAX)).read_to_string(&mut text)?;
        return sql::once(&client, &text, format, screen).await;
    }
    let mut editor = Reedline::create().with_validator(Box::new(Statement));
    if let Some(path) = history_file()
        && let Ok(history) = FileBackedHistory::with_file(HISTORY, path)
    {
        editor = editor.with_history(Box::new(history));
    }
    screen.note(&screen.dim(&format!("{}  \\? for help", client.url())));
    loop {
        match editor.read_line(&Landfall)? {
            Signal::Success(line) => match line.trim() {
                "" | ";" => {}
                "\\q" | "quit" | "exit" | "quit;" | "exit;" => return Ok(()),
                line => run(&client, line, format, screen).await,
            },
            Signal::CtrlD => return Ok(()),
            _ => {}
        }
    }
}

/// Whatever goes wrong with one statement, the prompt stays.
async fn run(client: &Client, line: &str, format: Format, screen: Screen) {
    let work = async {
        match line.strip_prefix('\\') {
            None => sql::once(client, line, format, screen).await,
            Some(command) => meta(client, command.trim_end_matches(';').trim(), format, screen).await,
        }
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        // Dropping the request closes its connection, and that is what cancels the query.
        _ = tokio::signal::ctrl_c() => Err(Failure::no("cancelled")),
    };
    if let Err(failure) = outcome {
        screen.note(&failure.message);
    }
}

async fn meta(client: &Client, command: &str, format: Format, screen: Screen) -> Result<(), Failure> {
    match command.split_once(' ').map_or((command, ""), |(word, rest)| (word, rest.trim())) {
        ("d", "") => sql::once(client, "select dataset, description from landfall.datasets order by dataset", format, screen).await,
        ("d", name) => {
            let answer = sql::query(client, &format!("select * from {name} limit 0")).await?;
            for column in &answer.columns {
                screen.line(&format!("{:<24}  {}", column.name, screen.dim(&column.kind)))?;
            }
            Ok(())
        }
        ("?" | "h" | "help", _) => screen.line(HELP),
        (other, _) => Err(Failure::no(format!("`\\{other}` is not a command here; \\? lists them"))),
    }
}

/// A statement goes on over lines until its `;`; a command is one line.
struct Statement;

impl Validator for Statement {
    fn validate(&self, line: &str) -> ValidationResult {
        let line = line.trim();
        let whole = line.is_empty() || line.starts_with('\\') || line.ends_with(';') || matches!(line, "quit" | "exit");
        if whole { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

struct Landfall;

impl Prompt for Landfall {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "landfall".into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        "> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "        > ".into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        format!("(history: {}) ", search.term).into()
    }
}

fn history_file() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("landfall").join("sql_history"))
}
