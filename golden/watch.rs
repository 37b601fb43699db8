//! Who watches a build is told every stage and every host, and nothing comes of it.

use std::sync::Mutex;

use clustergen::disk::RealFolder;
use clustergen::run::Place;
use clustergen::watch::Watch;

use crate::cli::{clustergen, code, text};
use crate::support::{Bench, build_well, golden, tree};

const STAGES: [&str; 13] = [
    "open",
    "load schema",
    "parse",
    "inventory",
    "expand",
    "decode",
    "declare",
    "check",
    "read certificates",
    "load templates",
    "settle",
    "lower, render, compare",
    "write",
];

/// Remembers what it was told.
#[derive(Default)]
struct Told {
    stages: Mutex<Vec<&'static str>>,
    hosts: Mutex<Vec<(usize, usize)>>,
}

impl Watch for Told {
    fn stage(&self, name: &'static str) {
        self.stages.lock().unwrap().push(name);
    }

    fn host(&self, done: usize, of: usize) {
        self.hosts.lock().unwrap().push((done, of));
    }
}

#[test]
fn a_build_tells_its_stages_in_order_and_each_host_once() {
    let case = golden().join("ok/gluu-4");
    let folder = RealFolder(case.clone());
    let (bench, told) = (Bench::new(Some(&case.join("state"))), Told::default());
    build_well(Place { watch: &told, ..bench.place(&folder, "cluster.kdl") });
    assert_eq!(*told.stages.lock().unwrap(), STAGES);
    let mut hosts = told.hosts.into_inner().unwrap();
    hosts.sort_unstable();
    assert_eq!(hosts, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    let alone = Bench::new(Some(&case.join("state")));
    build_well(alone.place(&folder, "cluster.kdl"));
    assert_eq!(tree(&bench.out), tree(&alone.out));
}

#[test]
fn timings_go_to_standard_error_and_only_where_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(&clustergen(folder.path(), &["init"], &[])), 0);
    let build = |args: &[&str]| {
        let output = clustergen(folder.path(), args, &[]);
        assert_eq!(code(&output), 0, "{}", text(&output));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(build(&["build"]).1, "");
    let (page, table) = build(&["build", "--timings"]);
    assert!(page.starts_with("# Changes\n"), "{page}");
    let named = |line: &str| {
        let (name, took) = line.split_at(24);
        let number = took.strip_suffix(" ms").unwrap().trim();
        assert!(number.parse::<f64>().is_ok(), "{line}");
        name.trim_end().to_owned()
    };
    let names: Vec<String> = table.lines().map(named).collect();
    assert_eq!(names, [&STAGES[..], &["all"]].concat());
    // a comparison writes nothing, and looks no different without
    assert!(!build(&["build", "--check", "--timings"]).1.contains("write"));
    assert_eq!(build(&["build", "--check"]), (page, String::new()));
}
