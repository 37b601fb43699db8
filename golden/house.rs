//! The house keeps its rules: headers, one module per crate, licences, documents that are true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use clustergen::disk::RealFolder;
use clustergen::run::look;

use crate::support::{Bench, Edited, build_well, compare_tree, golden, messages, no_faults, tree};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What cargo says of this repository.
fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .arg("--locked")
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_source_file_opens_with_what_it_is_for() {
    for folder in ["src", "golden", "tests", "benches"] {
        for (name, text) in tree(&root().join(folder)) {
            if name.ends_with(".rs") {
                assert!(text.starts_with("//! "), "{folder}/{name} has no //! header");
            }
        }
    }
}

#[test]
fn every_third_party_crate_is_known_to_one_module() {
    // traits and plain functions that any stage may need
    let shared =
        ["include_dir", "rayon", "serde", "serde_json", "sha2", "time", "zeroize", "rustix"];
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let dependencies =
        manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let sources = tree(&root().join("src"));
    for line in dependencies.lines() {
        let Some((name, _)) = line.split_once(" = ") else { continue };
        let name = name.replace('-', "_");
        let users: BTreeSet<&str> = sources
            .iter()
            .filter(|(_, text)| names(text, &name))
            .map(|(file, _)| file.split('/').next().unwrap())
            .collect();
        assert!(!users.is_empty(), "nothing uses {name}");
        assert!(shared.contains(&name.as_str()) || users.len() == 1, "{name} is used by {users:?}");
    }
}

/// Whether a source has `name::`, and not as the end of another name.
fn names(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(&format!("{name}::")).any(|(at, _)| !text[..at].ends_with(word))
}

/// Only licences that let anybody do anything; a crate with another one is refused here.
#[test]
fn every_dependency_is_licensed_permissively() {
    let allowed = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "Unlicense",
        "Apache-2.0 WITH LLVM-exception",
        "CC0-1.0",
        "0BSD",
        "CDLA-Permissive-2.0",
    ];
    let linux = ["--filter-platform", "x86_64-unknown-linux-gnu"];
    let metadata = cargo(&[&["metadata", "--format-version", "1"], &linux[..]].concat());
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let used: BTreeSet<&str> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50);
    for package in packages.iter().filter(|it| used.contains(it["id"].as_str().unwrap())) {
        let licence = package["license"].as_str().unwrap_or("none").replace('/', " OR ");
        // one of the alternatives has to be allowed, and all parts of it
        let fine = licence.split(" OR ").any(|alternative| {
            let parts = alternative.trim_matches(|c| c == '(' || c == ')').split(" AND ");
            parts
                .map(|it| it.trim_matches(|c: char| " ()".contains(c)))
                .all(|part| allowed.contains(&part))
        });
        assert!(fine, "{} is licensed {licence}", package["name"]);
    }
}

/// Where a crate of the tests turns a feature on, all that needs it is built a second time for
/// `cargo run`, clustergen too. Name the feature in `[dependencies]`.
#[test]
fn the_program_and_its_tests_share_one_build_of_each_crate() {
    let crates = |edges: &str| -> BTreeSet<String> {
        let tree = cargo(&["tree", "--prefix", "none", "--format", "{p} {f}", "--edges", edges]);
        tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
    };
    let tested = crates("normal,build,dev");
    let alone: Vec<String> = crates("normal,build").difference(&tested).cloned().collect();
    assert!(alone.is_empty(), "built again for the program: {alone:?}");
}

/// The example in the repository is a build, whole, with engine, sums and history.
#[test]
fn out_example_is_what_the_example_builds_to() {
    let example = fs::read_to_string(root().join("examples/gluu-4.kdl")).unwrap();
    assert_eq!(example, fs::read_to_string(golden().join("ok/gluu-4/cluster.kdl")).unwrap());
    let bench = Bench::new(Some(&golden().join("ok/gluu-4/state")));
    let folder = RealFolder(golden().join("ok/gluu-4"));
    build_well(bench.place(&folder, "cluster.kdl"));
    let mut faults = Vec::new();
    compare_tree(&root().join("out.example"), &tree(&bench.out), &mut faults);
    no_faults(&faults);
}

/// The marked blocks of a Markdown file.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn every_description_in_the_readme_builds() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&text, "kdl");
    assert!(blocks.len() >= 2, "the README shows {} descriptions", blocks.len());
    for block in blocks {
        let base = RealFolder(root().to_owned());
        let edited = Edited { base, name: "cluster.kdl".to_owned(), text: block.to_owned() };
        let bench = Bench::new(None);
        let report = look(bench.place(&edited, "cluster.kdl")).unwrap();
        assert!(
            report.compiled.is_some() && !report.diagnostics.fatal(false),
            "{block}\n{}",
            messages(&report)
        );
    }
}

/// A newcomer's two commands, each of which installs what it needs.
#[test]
fn ci_runs_the_commands_of_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let scripts = |text: &str| -> BTreeSet<String> {
        text.split_whitespace().filter(|it| it.starts_with("./.ci/")).map(str::to_owned).collect()
    };
    let commands = BTreeSet::from(["./.ci/example".to_owned(), "./.ci/test".to_owned()]);
    assert_eq!(scripts(&readme), commands, "of the README");
    assert!(scripts(&ci).is_superset(&commands), ".ci/run calls {:?}", scripts(&ci));
}

#[test]
fn every_example_in_the_repository_builds() {
    let examples: BTreeMap<String, String> = tree(&root().join("examples"));
    let examples: Vec<_> =
        examples.into_iter().filter(|(name, _)| name.ends_with(".kdl")).collect();
    assert!(!examples.is_empty());
    for (name, text) in examples {
        let base = RealFolder(root().join("examples"));
        let edited = Edited { base, name: name.clone(), text };
        let bench = Bench::new(None);
        build_well(bench.place(&edited, &name));
    }
}
