//! `RUNBOOK.md`, followed: its lines are run as they stand, in their order.
//!
//! In: a built description, a lab. Out: what each line said; a line that fails, or that is none of
//! those that are known here, fails the case. `ssh` leads to the host of the lab with that address.

use std::fs::{self, File};
use std::process::{Command, Output, Stdio};

use crate::built::{Built, clustergen_in, said};
use crate::cluster::Lab;

/// The lines of a chapter that are to be typed, one after the other.
pub(crate) fn lines(built: &Built, chapter: &str) -> Vec<String> {
    let page = fs::read_to_string(built.folder().join("out/RUNBOOK.md")).unwrap();
    let heading = format!("## {chapter}\n");
    let (_, rest) = page.split_once(&heading).unwrap_or_else(|| panic!("no chapter {chapter}"));
    let chapter = rest.split("\n## ").next().unwrap_or_default();
    let typed = chapter.lines().filter_map(|line| line.strip_prefix("       "));
    typed.filter(|line| !line.starts_with(' ')).map(str::to_owned).collect()
}

/// Types a line: `ssh` or what is run beside the description, with `typed` on its standard input.
pub(crate) fn follow(built: &Built, lab: &Lab, line: &str, typed: &str) -> Output {
    match line.strip_prefix("ssh root@") {
        Some(rest) => on_a_host(built, lab, rest),
        None => beside(built, line, typed),
    }
}

fn beside(built: &Built, line: &str, typed: &str) -> Output {
    match line.split_once(' ') {
        Some(("clustergen", args)) => clustergen_in(built.folder(), args, typed),
        Some((program @ ("rm" | "install"), words)) => {
            let words = words.split(' ');
            Command::new(program).args(words).current_dir(built.folder()).output().unwrap()
        }
        _ => panic!("nobody knows what to do with: {line}"),
    }
}

/// `ADDRESS COMMAND`, with a file of ours before or behind it.
fn on_a_host(built: &Built, lab: &Lab, rest: &str) -> Output {
    let (address, command) = rest.split_once(' ').expect("a command");
    let (command, from) = match command.rsplit_once(" <") {
        Some((command, file)) => (command, Some(file)),
        None => (command, None),
    };
    let (command, to) = match command.rsplit_once(" >") {
        Some((command, file)) => (command, Some(file)),
        None => (command, None),
    };
    let command = command.trim_matches('\'');
    let input = match from {
        Some(file) => Stdio::from(File::open(built.folder().join(file)).unwrap()),
        None => Stdio::null(),
    };
    let done = lab[&lab.at(address)].fed(&["sh", "-c", &format!("cd && {command}")], input);
    if let Some(file) = to {
        assert!(done.status.success(), "{}", said(&done));
        fs::write(built.folder().join(file), &done.stdout).unwrap();
    }
    done
}
