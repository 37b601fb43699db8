//! The steps of the vendors' guides: what does each of them, and that it would be missed.
//!
//! `steps.kdl` names, for each step, resources of good cases and faults of bad ones. Here each is
//! taken away, and the case has to fail for it. `docs/steps.md` is the same table for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use clustergen::Compiled;
use clustergen::diag::render::{Format, render};
use clustergen::diag::{Code, Diagnostics};
use clustergen::disk::RealFolder;
use clustergen::model::plan::{HostPlan, ResourceKey};
use clustergen::run::look;
use clustergen::source::Sources;
use clustergen::syntax::node::{Node, Value};
use clustergen::syntax::parse;

use crate::err::{Case, run};
use crate::support::{Bench, compare_text, golden, no_faults, tree};

/// A step, and what does it.
struct Step {
    id: String,
    by_hand: String,
    by: Vec<Doer>,
    /// What is still done by hand.
    open: Option<String>,
}

enum Doer {
    Resource { word: String, name: String, has: Option<String>, case: String, host: String },
    Fault { case: String, code: String },
    Runbook { has: String, case: String },
}

fn steps() -> Vec<Step> {
    let folder = RealFolder(golden());
    let mut sources = Sources::new(&folder);
    let file = sources.open("steps.kdl").unwrap();
    let mut told = Diagnostics::default();
    let document = parse(&mut sources, file, &mut told);
    assert!(told.sorted().is_empty(), "{}", render(&told, &sources, Format::Human, false));
    let default = &document.nodes[0];
    document.nodes[1..].iter().map(|node| step(node, default)).collect()
}

fn step(node: &Node, default: &Node) -> Step {
    let word = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let mut step = Step {
        id: word(node.args.first()).unwrap(),
        by_hand: word(node.args.get(1)).unwrap(),
        by: Vec::new(),
        open: None,
    };
    for child in &node.children {
        let name = word(child.args.first()).unwrap();
        let case = word(child.prop("in")).or_else(|| word(default.args.first())).unwrap();
        step.by.push(match child.name.value.as_str() {
            "open" => {
                step.open = Some(name);
                continue;
            }
            "refused" => Doer::Fault { case: name, code: word(child.prop("code")).unwrap() },
            "runbook" => Doer::Runbook { has: name, case },
            kind => Doer::Resource {
                word: kind.to_owned(),
                name,
                has: word(child.prop("has")),
                case,
                host: word(child.prop("host")).or_else(|| word(default.prop("host"))).unwrap(),
            },
        });
    }
    assert!(!step.by.is_empty() || step.open.is_some(), "{}: nothing does it", step.id);
    step
}

/// The word by which `steps.kdl` and `host.sh` call a resource.
fn word(key: &ResourceKey) -> &'static str {
    match key {
        ResourceKey::Package(_) => "package",
        ResourceKey::Group(_) => "group",
        ResourceKey::User(_) => "user",
        ResourceKey::Directory(_) => "directory",
        ResourceKey::Link(_) => "link",
        ResourceKey::Block(..) => "block",
        ResourceKey::Keys(_) => "keys",
        ResourceKey::File(_) => "file",
        ResourceKey::Made(_) => "made",
        ResourceKey::Ensure(_) => "ensure",
        ResourceKey::Check(_) => "check",
        ResourceKey::Unit(_) => "unit",
        ResourceKey::Step(_) => "step",
        ResourceKey::StepFile(..) => "step-file",
        ResourceKey::Born(_) => "born",
        ResourceKey::BornTo => "born_to",
        ResourceKey::Verify(_) => "verify",
    }
}

#[test]
fn what_does_a_step_is_there_and_its_case_fails_without_it() {
    for step in steps() {
        for doer in &step.by {
            match doer {
                Doer::Resource { word, name, has, case, host } => {
                    missed(&step.id, (word, name), has.as_deref(), (case, host));
                }
                Doer::Fault { case, code } => refused(&step.id, case, code),
                Doer::Runbook { has, case } => {
                    let path = golden().join("ok").join(case).join("out/RUNBOOK.md");
                    let text = fs::read_to_string(path).unwrap();
                    assert!(text.contains(has.as_str()), "{}: {case}: no `{has}`", step.id);
                }
            }
        }
    }
}

/// Takes a resource out of a host's plan: what is rendered then is not what is stored.
fn missed(id: &str, resource: (&str, &str), has: Option<&str>, place: (&str, &str)) {
    let ((kind, name), (case, host)) = (resource, place);
    let folder = golden().join("ok").join(case);
    let bench = Bench::new(Some(&folder.join("state")));
    let real = RealFolder(folder.clone());
    let report = look(bench.place(&real, "cluster.kdl")).unwrap();
    let compiled = report.compiled.as_ref().unwrap();
    let found = compiled.inventory.find(host).unwrap_or_else(|| panic!("{id}: no {host}"));
    let mut plan = compiled.plan(found, &mut Diagnostics::default());
    let key = plan.resources.keys().find(|it| word(it) == kind && it.shown() == name);
    let key = key.unwrap_or_else(|| panic!("{id}: {case}: {host} has no {kind} {name}")).clone();
    let stored = tree(&folder.join("out").join(host));
    let whole = rendered(compiled, &plan, &report.sources);
    let differs = |came: &BTreeMap<String, String>| {
        stored.iter().any(|(path, text)| came.get(path) != Some(text))
    };
    assert!(!differs(&whole), "{id}: {case} does not hold as it is");
    if let Some(has) = has {
        let path =
            if kind == "block" { format!("edits{name}.block") } else { format!("files{name}") };
        assert!(stored[&path].contains(has), "{id}: {case}: {path} has no `{has}`");
    }
    plan.resources.remove(&key);
    let without = rendered(compiled, &plan, &report.sources);
    assert!(differs(&without), "{id}: {case} does not miss the {kind} {name}");
}

fn rendered(compiled: &Compiled, plan: &HostPlan, sources: &Sources) -> BTreeMap<String, String> {
    let bundle = compiled.bundle(plan, sources, &mut Diagnostics::default()).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    bundle.files.into_iter().map(|(path, file)| (path, text(file.bytes))).collect()
}

/// Takes a fault away: what is told then is not what is stored.
fn refused(id: &str, case: &str, code: &str) {
    let path = golden().join("err").join(format!("{case}.case"));
    let stored = fs::read_to_string(&path).unwrap();
    let case = Case::read(&path);
    run(&case, |report, message| {
        assert_eq!(case.print(message), stored, "{id}: the case does not hold as it is");
        let mut others = Diagnostics::default();
        for told in report.diagnostics.sorted() {
            if told.code.id() != code {
                others.push(told.clone());
            }
        }
        let message = render(&others, &report.sources, Format::Human, false);
        assert_ne!(case.print(&message), stored, "{id}: {} does not miss {code}", path.display());
    });
}

#[test]
fn the_table_of_steps_for_people_is_up_to_date() {
    let mut page = String::from(
        "# What people no longer do by hand\n\n\
         Made from `golden/steps.kdl` by the tests, which take each of these away and see its case\n\
         fail. The steps are those of Gluu's guides: to csync2 for the releases 2 and 3 (G0), to\n\
         clustering for 4 (G4).\n\n\
         | step | by hand | what does it | case |\n|---|---|---|---|\n",
    );
    let mut seen = BTreeSet::new();
    for step in steps() {
        assert!(seen.insert(step.id.clone()), "{} stands twice", step.id);
        let (mut by, mut cases) = (Vec::new(), Vec::new());
        for doer in &step.by {
            let (what, case) = shown(doer);
            by.push(what);
            cases.push(case);
        }
        by.extend(step.open.map(|why| format!("**still by hand**: {why}")));
        by.dedup();
        cases.dedup();
        let (by, cases) = (by.join("<br>"), cases.join("<br>"));
        let _ = writeln!(page, "| {} | {} | {by} | {cases} |", step.id, step.by_hand);
    }
    let mut faults = Vec::new();
    compare_text(&golden().join("../docs/steps.md"), &page, &mut faults);
    no_faults(&faults);
}

fn shown(doer: &Doer) -> (String, String) {
    match doer {
        Doer::Resource { word, name, case, host, .. } => {
            let name = name.replace('`', "");
            (format!("{word} `{name}`"), format!("`ok/{case}`, {host}"))
        }
        Doer::Fault { case, code } => {
            let title = Code::ALL.iter().find(|it| it.id() == code).unwrap().title();
            (format!("error {code}: {title}"), format!("`err/{case}.case`"))
        }
        Doer::Runbook { has, case } => (format!("`RUNBOOK.md`: {has}"), format!("`ok/{case}`")),
    }
}
