//! `secrets`: values in and out of sight. Only here are they read.

use std::env;
use std::ffi::OsString;
use std::io::{IsTerminal, stdin};
use std::path::Path;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::args::{ImportArgs, Input, RotateArgs, SecretsCommand, SecretsListArgs, SetArgs};
use super::commands::{Held, hold};
use super::project::{Project, upto, whole};
use super::{Done, Failure, Manner, print, tell};
use crate::diag::counted;
use crate::diag::render::render;
use crate::model::facts::Giver;
use crate::run::Fault;
use crate::secrets::{self, Known, ReadFrom, Rekeyed, Value};

pub(super) fn secrets(command: &SecretsCommand, manner: Manner) -> Done {
    match command {
        SecretsCommand::List(args) => list(args, manner),
        SecretsCommand::Set(args) => set(args, manner),
        SecretsCommand::Rotate(args) => rotate(args, manner),
        SecretsCommand::Rekey(input) => rekey(input, manner),
    }
}

fn list(args: &SecretsListArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input, None)?;
    let (known, rows) = secrets::list(project.place(manner))?;
    judge(&known, manner)?;
    match rows.unwrap_or_default().as_slice() {
        rows if args.json => print(&secrets::json(rows)),
        [] => print("Nothing needs a secret.\n"),
        rows => print(&secrets::table(rows)),
    }
}

fn set(args: &SetArgs, manner: Manner) -> Done {
    let input = Input { description: args.description.clone(), state: args.state.clone() };
    let project = Project::open(&input, None)?;
    let _one_at_a_time = hold(&project.description())?;
    let _state = Held::hold(project.state())?;
    let folder = project.description().parent().map(Path::to_owned).unwrap_or_default();
    let mut read = |from: ReadFrom| match (from, &args.from) {
        (ReadFrom::Giver(Giver::Env(name)), _) => variable(name),
        (ReadFrom::Giver(Giver::File(path)), _) => file(&folder.join(path)),
        (ReadFrom::Giver(Giver::Prompt), _) => asked_for(&args.name),
        (ReadFrom::Told, Some(path)) if path.as_os_str() != "-" => file(path),
        (ReadFrom::Told, _) => input_whole(),
    };
    let (told, now) = (args.from.is_some(), OffsetDateTime::now_utc());
    let known = secrets::set(project.place(manner), &args.name, told, now, &mut read)?;
    judge(&known, manner)?;
    print(&format!("{}: taken in\n", args.name))?;
    tell(NEXT);
    Ok(())
}

fn rotate(args: &RotateArgs, manner: Manner) -> Done {
    let input = Input { description: args.description.clone(), state: args.state.clone() };
    let project = Project::open(&input, None)?;
    let _one_at_a_time = hold(&project.description())?;
    let _state = Held::hold(project.state())?;
    let known = secrets::rotate(project.place(manner), &args.names, OffsetDateTime::now_utc())?;
    judge(&known, manner)?;
    for name in &args.names {
        print(&format!("{name}: drawn anew\n"))?;
    }
    tell(NEXT);
    Ok(())
}

/// `import`: what was born on a host.
pub(super) fn import(args: &ImportArgs, manner: Manner) -> Done {
    let input = Input { description: args.description.clone(), state: args.state.clone() };
    let project = Project::open(&input, None)?;
    let _one_at_a_time = hold(&project.description())?;
    let _state = Held::hold(project.state())?;
    let (carried, now) = (file(&args.file)?, OffsetDateTime::now_utc());
    let (known, names) = secrets::import(project.place(manner), &args.host, carried, now)?;
    judge(&known, manner)?;
    for name in names {
        print(&format!("{name}: taken in\n"))?;
    }
    tell(NEXT);
    Ok(())
}

fn rekey(input: &Input, manner: Manner) -> Done {
    let project = Project::open(input, None)?;
    let _one_at_a_time = hold(&project.description())?;
    let _state = Held::hold(project.state())?;
    let (known, rekeyed) = secrets::rekey(project.place(manner))?;
    judge(&known, manner)?;
    let Some(Rekeyed { files, readers, opens }) = rekeyed else { return Ok(()) };
    let files = counted(files, "file");
    if readers.is_empty() {
        return print(&format!("{files} written anew, not encrypted: no recipient is named\n"));
    }
    print(&format!("{files} written anew, for\n"))?;
    readers.iter().try_for_each(|it| print(&format!("  {it}\n")))?;
    if !opens {
        tell(
            "note: nobody who was named by `--identity` opens it now: be sure that one of these keys is still there\n",
        );
    }
    Ok(())
}

const NEXT: &str = "`clustergen build` puts what is new into the bundles\n";

/// Prints every fault; a failure where the description is wrong.
fn judge(known: &Known, manner: Manner) -> Done {
    tell(&render(&known.diagnostics, &known.sources, manner.format, true));
    if known.diagnostics.fatal(manner.strict) { Err(Failure::Description) } else { Ok(()) }
}

fn variable(name: &str) -> Value {
    let value = env::var_os(name).map(OsString::into_encoded_bytes);
    value.map(Zeroizing::new).ok_or_else(|| {
        Fault::Environment(format!(
            "the variable `{name}` is not set: `export {name}=…` first, or say `--from FILE`"
        ))
    })
}

fn file(path: &Path) -> Value {
    let said = |error| Fault::Environment(format!("`{}` cannot be read: {error}", path.display()));
    whole(path).map_err(said)
}

/// A line that nobody sees on the screen.
fn asked_for(name: &str) -> Value {
    if !stdin().is_terminal() {
        let why = "it is asked for, and there is no terminal: say `--from FILE`, or `--from -` for standard input";
        return Err(Fault::Environment(format!("the value of `{name}`: {why}")));
    }
    let value = rpassword::prompt_password(format!("{name}: "));
    let value = value.map_err(|error| Fault::Environment(format!("the terminal: {error}")))?;
    Ok(Zeroizing::new(value.into_bytes()))
}

fn input_whole() -> Value {
    upto(stdin()).map_err(|error| Fault::Environment(format!("standard input: {error}")))
}
