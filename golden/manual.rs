//! Completions and manual pages, read by the programs that they are for; and that the documents
//! name every command.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::cli::{clustergen, code, text};
use crate::support::{golden, tree};

fn out(args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = clustergen(folder.path(), args, &[]);
    assert_eq!(code(&output), 0, "{args:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The commands, as the help of the program lists them.
fn commands() -> Vec<String> {
    let help = out(&["--help"]);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<String> =
        names.filter(|it| !it.is_empty() && *it != "help").map(str::to_owned).collect();
    assert!(names.contains(&"build".to_owned()), "{help}");
    names
}

/// Every option that a help text names.
fn options(help: &str) -> BTreeSet<String> {
    let lines = help.lines().map(str::trim).filter(|line| line.starts_with('-'));
    let words = lines.flat_map(|line| line.split([' ', ',']).filter(|it| it.starts_with('-')));
    words.filter(|it| it.len() > 1).map(str::to_owned).collect()
}

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).env("LC_ALL", "C").output().unwrap()
}

#[test]
fn every_command_and_option_says_what_it_does() {
    for command in commands() {
        let help = out(&[&command, "--help"]);
        assert!(!help.starts_with("Usage"), "`{command}` has no sentence");
        let mut lines = help.lines().peekable();
        while let Some(line) = lines.next() {
            let margin = line.len() - line.trim_start().len();
            if line.trim_start().starts_with(['-', '[', '<']) && (1..10).contains(&margin) {
                let told = lines.peek().is_some_and(|next| next.starts_with("          "));
                assert!(told || line.trim().contains("  "), "`{command}`: {line} has no sentence");
            }
        }
    }
}

#[test]
fn bash_reads_its_completions_and_completes_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("completions");
    fs::write(&script, out(&["completions", "bash"])).unwrap();
    let script = script.to_str().unwrap();
    let read = run("bash", &["-n", script]);
    assert!(read.status.success() && read.stderr.is_empty(), "{}", text(&read));
    let completed = |words: &[&str]| -> Vec<String> {
        let typed = words.last().unwrap();
        let asked = format!(
            "source '{script}'; COMP_WORDS=({}); COMP_CWORD={}; _clustergen clustergen '{typed}' ''; echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1
        );
        let output = run("bash", &["--norc", "-c", &asked]);
        assert!(output.stderr.is_empty(), "{}", text(&output));
        text(&output).split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(completed(&["clustergen", "bu"]), ["build"]);
    assert_eq!(completed(&["clustergen", "build", "--che"]), ["--check"]);
    assert_eq!(completed(&["clustergen", "init", "gl"]), ["gluu"]);
}

#[test]
fn the_completions_of_every_shell_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = out(&["completions", shell]);
        for command in commands() {
            assert!(script.contains(&command), "{shell} does not know `{command}`");
        }
    }
}

/// A page as a person reads it; a complaint of groff's is a fault.
fn rendered(page: &Path) -> String {
    let args = ["-ww", "-man", "-Tascii", "-P-cbou", page.to_str().unwrap()];
    let output = run("groff", &args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", page.display());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_has_a_manual_page_with_all_that_its_help_names() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    // twice: a new release writes over the pages of the last one
    for _ in 0..2 {
        out(&["man", pages.to_str().unwrap()]);
    }
    let names: BTreeSet<String> = tree(&pages).into_keys().collect();
    let wanted = commands().into_iter().map(|it| format!("clustergen-{it}.1"));
    assert_eq!(names, wanted.chain(["clustergen.1".to_owned()]).collect());
    for command in commands() {
        let page = rendered(&pages.join(format!("clustergen-{command}.1")));
        let named = options(&out(&[&command, "--help"]));
        assert!(named.len() > 2, "{command}: {named:?}");
        for option in named {
            assert!(page.contains(&option), "the page of `{command}` has no {option}:\n{page}");
        }
        assert!(
            rendered(&pages.join("clustergen.1")).contains(&format!("clustergen-{command}(1)"))
        );
    }
    assert_eq!(fs::read_to_string(pages.join("clustergen.1")).unwrap(), out(&["man"]));
}

#[test]
fn the_readme_names_every_command() {
    let readme = fs::read_to_string(golden().join("../README.md")).unwrap();
    for command in commands() {
        assert!(
            readme.contains(&format!("`clustergen {command}")),
            "the README does not name `clustergen {command}`"
        );
    }
}
