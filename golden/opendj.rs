//! What OpenDJ's scripts say to its tools is held against the options that its sources have.
//!
//! In: the scripts of `ok/opendj-*`, and `tests/lab/opendj/options.kdl`. The stand-in of the lab
//! judges by the same file, at work; here it is every line of every script, run or not.

use std::collections::{BTreeMap, BTreeSet};

use clustergen::diag::Diagnostics;
use clustergen::disk::RealFolder;
use clustergen::source::Sources;
use clustergen::syntax::node::Node;
use clustergen::syntax::parse;

use crate::support::{folders, golden, tree};

/// The options of a tool or of one of its subcommands.
#[derive(Default)]
struct Form {
    options: BTreeSet<String>,
    passwords: BTreeSet<String>,
    needs: BTreeSet<String>,
    subcommands: BTreeMap<String, Form>,
}

impl Form {
    fn of(nodes: &[Node]) -> Self {
        let mut form = Self::default();
        for node in nodes {
            let name = format!("--{}", node.args[0].as_str().unwrap());
            match node.name.value.as_str() {
                "subcommand" => {
                    form.subcommands.insert(name.replace("--", ""), Self::of(&node.children));
                }
                "needs" => drop(form.needs.insert(name)),
                "option" => {
                    if node.prop("password").is_some() {
                        form.passwords.insert(name.clone());
                    }
                    form.options.insert(name);
                }
                _ => {}
            }
        }
        form
    }
}

fn tools() -> BTreeMap<String, Form> {
    let folder = RealFolder(golden().join("../tests/lab/opendj"));
    let mut sources = Sources::new(&folder);
    let file = sources.open("options.kdl").unwrap();
    let mut told = Diagnostics::default();
    let document = parse(&mut sources, file, &mut told);
    assert!(told.sorted().is_empty());
    let tool = |node: &Node| (node.args[0].as_str().unwrap().to_owned(), Form::of(&node.children));
    document.nodes.iter().map(tool).collect()
}

/// A call: of which function of the script, with which subcommand, and with which options.
struct Call {
    by: String,
    subcommand: String,
    options: BTreeSet<String>,
}

fn calls(script: &str) -> Vec<Call> {
    let script = script.replace("\\\n", " ");
    let lines = script.lines().filter(|line| !line.trim_start().starts_with('#'));
    let call = |line: &str| {
        let words: Vec<&str> =
            line.split_whitespace().map(|it| it.trim_start_matches("said=$(")).collect();
        let by = ["configure", "replicate", "tool", "inside"];
        let at = words.iter().position(|it| by.contains(it))?;
        let options = words.iter().filter(|it| it.starts_with("--"));
        Some(Call {
            by: words[at].to_owned(),
            subcommand: (*words.get(at + 1)?).to_owned(),
            options: options.map(|it| it.trim_end_matches([')', ';']).to_owned()).collect(),
        })
    };
    lines.filter_map(call).filter(|call| !call.options.is_empty()).collect()
}

fn wrong(script: &str, tools: &BTreeMap<String, Form>) -> Vec<String> {
    let calls = calls(script);
    let all = calls.iter().find(|it| it.by == "inside").expect("what is said to all tools");
    let whole = |name: &str| calls.iter().find(|it| it.by == "tool" && it.subcommand == name);
    let mut wrong = Vec::new();
    for call in calls.iter().filter(|it| it.by != "inside") {
        let tool = match call.by.as_str() {
            "configure" => "dsconfig",
            "replicate" => "dsreplication",
            _ => call.subcommand.as_str(),
        };
        let form = &tools[tool];
        let none = Form::default();
        // what wraps others is held against what the tool always has
        let wraps = call.by == "tool";
        let sub = if wraps { Some(&none) } else { form.subcommands.get(&call.subcommand) };
        let Some(sub) = sub else {
            wrong.push(format!("{tool} has no {}", call.subcommand));
            continue;
        };
        let mut said = &call.options | &all.options;
        if !wraps {
            said = &said | &whole(tool).unwrap().options;
        }
        for option in &said {
            if !form.options.contains(option) && !sub.options.contains(option) {
                wrong.push(format!("{tool} {} has no {option}", call.subcommand));
            }
            if form.passwords.contains(option) || sub.passwords.contains(option) {
                wrong.push(format!("{option} shows a password to everybody"));
            }
        }
        let whole_form = !wraps || form.subcommands.is_empty();
        for need in form.needs.iter().chain(&sub.needs).filter(|_| whole_form) {
            // to leave replication altogether, no base is named
            if !said.contains(need) {
                wrong.push(format!("{tool} {} asks for {need}", call.subcommand));
            }
        }
    }
    wrong
}

fn scripts() -> BTreeMap<String, String> {
    let cases = folders(&golden().join("ok"));
    let files = cases.iter().flat_map(|case| {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        tree(case).into_iter().map(move |(path, text)| (format!("{name}/{path}"), text))
    });
    files.filter(|(path, _)| path.ends_with("/opendj") && path.contains("/files/")).collect()
}

#[test]
fn scripts_say_to_opendj_what_its_sources_have() {
    let (tools, scripts) = (tools(), scripts());
    assert!(scripts.len() >= 7, "{:?}", scripts.keys());
    for (path, script) in scripts {
        assert!(calls(&script).len() >= 11, "{path}");
        assert_eq!(wrong(&script, &tools), Vec::<String>::new(), "{path}");
        assert_eq!(script.contains("--trustAll"), path.contains("vendor-certificates"), "{path}");
    }
}

/// Proof that the test here can fail.
#[test]
fn what_its_sources_do_not_have_is_told() {
    let (tools, scripts) = (tools(), scripts());
    let script =
        &scripts["opendj-of-two/out/ds1/files/var/lib/clustergen/people/opendj/people/opendj"];
    for (from, to, told) in [
        ("--secureReplication1", "--secure1", "dsreplication enable has no --secure1"),
        ("--hostSource", "--hostDestiny", "dsreplication initialize has no --hostDestiny"),
        ("--hostSource", "--hostDestination", "dsreplication initialize asks for --hostSource"),
        ("--bindPasswordFile1", "--bindPassword1", "--bindPassword1 shows a password to everybody"),
        ("replicate status", "replicate state", "dsreplication has no state"),
        ("set-administration", "set-admin", "dsconfig has no set-admin-connector-prop"),
        ("--useSSL", "--useTls", "ldapsearch ldapsearch has no --useTls"),
        (" --no-prompt", "", "dsconfig get-administration-connector-prop asks for --no-prompt"),
        ("--noPropertiesFile", "--noProperties", "ldapsearch ldapsearch has no --noProperties"),
    ] {
        let said = wrong(&script.replace(from, to), &tools);
        assert!(said.iter().any(|it| it == told), "{told}: {said:?}");
    }
}
