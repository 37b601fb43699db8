//! The edge: arguments, files, clocks, the terminal, exit codes. Everything else is the core.

mod args;
mod build;
mod expand;
mod project;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::diag::render::Format;
use crate::output::OutFault;
use args::{Cli, Command, FormatArg};

/// Why a command did not do what it was asked.
#[derive(Debug)]
enum Failure {
    /// The description is wrong, and it was said how.
    Description,
    /// The output is not what description and lock give.
    Stale,
    /// The surroundings: a file, a lock, the disk.
    Environment(String),
    /// Our own fault.
    Bug(String),
}

impl From<OutFault> for Failure {
    fn from(fault: OutFault) -> Self {
        Self::Environment(fault.to_string())
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
    let done = std::panic::catch_unwind(|| dispatch(&cli));
    let failure = match done {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(failure)) => failure,
        Err(_) => return ExitCode::from(4),
    };
    match failure {
        Failure::Description | Failure::Stale => ExitCode::from(1),
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
        Command::Build(args) if args.check => build::compare_only(args, manner),
        Command::Build(args) => build::build(args, manner),
        Command::Check(input) => expand::check(input, manner),
        Command::Diff(args) => build::diff(args, manner),
        Command::Expand(input) => expand::expand(input, manner),
    }
}

/// Prints to standard output. A reader that went away is no fault.
fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints to standard error.
fn tell(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn complain(message: &str) {
    tell(&format!("clustergen: {message}\n"));
}
