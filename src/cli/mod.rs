//! The edge: arguments, files, clocks, the terminal, exit codes. Everything else is the core.

mod args;
mod certs;
mod commands;
mod diff;
mod git;
mod language;
mod manual;
mod pack;
mod progress;
mod project;
mod secrets;
mod sign;
mod write;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::diag::render::Format;
use crate::diag::turns;
use crate::run::Fault;
use args::{Cli, Command, FormatArg};

/// Why a command did not do what it was asked.
#[derive(Debug)]
enum Failure {
    /// The description is wrong, and it was said how.
    Description,
    /// The output is not what description and lock give.
    Stale,
    /// What was asked for is not there to be had.
    Usage(String),
    /// The surroundings: a file, a lock, the disk.
    Environment(String),
    /// Our own fault.
    Bug(String),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Asked(message) => {
                complain(&message);
                Self::Description
            }
            Fault::Environment(message) => Self::Environment(message),
            Fault::Bug(message) => Self::Bug(message),
        }
    }
}

type Done = Result<(), Failure>;

/// How faults are shown.
#[derive(Clone, Copy)]
struct Manner {
    format: Format,
    strict: bool,
}

/// Runs what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    std::panic::set_hook(Box::new(|info| {
        complain(&format!("internal error, please report it: {info}"));
    }));
    // whatever happens, no value is left in a file of the system's
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, nothing);
    let done = std::panic::catch_unwind(|| dispatch(&cli));
    let failure = match done {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(failure)) => failure,
        Err(_) => return ExitCode::from(4),
    };
    match failure {
        Failure::Description | Failure::Stale => ExitCode::from(1),
        Failure::Usage(message) => {
            complain(&message);
            ExitCode::from(2)
        }
        Failure::Environment(message) => {
            complain(&message);
            ExitCode::from(3)
        }
        Failure::Bug(message) => {
            complain(&format!("internal error, please report it: {message}"));
            ExitCode::from(4)
        }
    }
}

fn dispatch(cli: &Cli) -> Done {
    let format = match cli.format {
        FormatArg::Human => Format::Human,
        FormatArg::Short => Format::Short,
        FormatArg::Json => Format::Json,
    };
    let manner = Manner { format, strict: cli.strict };
    match &cli.command {
        Command::Build(args) if args.check => commands::build_check(args, manner),
        Command::Build(args) => commands::build(args, manner),
        Command::Check(input) => commands::check(input, manner),
        Command::Diff(args) => diff::diff(args, manner),
        Command::Certs(command) => certs::certs(command, manner),
        Command::Secrets(command) => secrets::secrets(command, manner),
        Command::Import(args) => secrets::import(args, manner),
        Command::Expand(input) => commands::expand(input, manner),
        Command::Links(args) => commands::links(args, manner),
        Command::Init(args) => language::init(args),
        Command::Schema(args) => language::schema(args),
        Command::Explain(args) => language::explain(args),
        Command::Completions(args) => manual::completions(args),
        Command::Man(args) => manual::man(args),
        Command::Pack(args) => pack::pack(args, manner),
    }
}

/// Prints to standard output. A reader that went away is no fault.
///
/// # Errors
/// It cannot be written: a full disk behind a redirection.
fn print(text: &str) -> Done {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Environment(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints to standard error.
fn tell(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn complain(message: &str) {
    let message = message.replace(|c| c != '\n' && turns(c), "·");
    tell(&format!("clustergen: {message}\n"));
}
