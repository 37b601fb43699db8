//! Descriptions to start from: one per product and one without, and each builds as it is.

use std::collections::BTreeSet;
use std::fs;

use clustergen::diag::Code;
use clustergen::disk::RealFolder;
use clustergen::products;
use clustergen::run::look;

use crate::cli::{clustergen, code, text};
use crate::support::{Bench, build_well, golden, messages, tree};

#[test]
fn every_product_has_a_starter_and_each_builds_with_nothing_to_mend() {
    let folder = RealFolder(golden().join("../schema/starters"));
    let stored: BTreeSet<String> = tree(&folder.0).into_keys().collect();
    let wanted = products::ALL.iter().map(|(name, _)| *name).chain(["plain"]);
    assert_eq!(stored, wanted.map(|name| format!("{name}.kdl")).collect());
    for name in stored {
        let bench = Bench::new(None);
        let report = build_well(bench.place(&folder, &name));
        // what a person has still to do, and what no starter can decide for them
        let fine = [Code::ProductPart, Code::SinglePoint, Code::SecretUnset];
        let told: Vec<Code> = report.diagnostics.sorted().iter().map(|it| it.code).collect();
        assert!(told.iter().all(|it| fine.contains(it)), "{name}: {}", messages(&report));
    }
}

#[test]
fn init_writes_what_can_be_checked_and_built_at_once() {
    for args in [&["init"][..], &["init", "gluu"]] {
        let folder = tempfile::tempdir().unwrap();
        let output = clustergen(folder.path(), args, &[]);
        assert_eq!(code(&output), 0, "{}", text(&output));
        assert!(text(&output).contains("`clustergen check cluster.kdl`"), "{}", text(&output));
        let written = RealFolder(folder.path().to_owned());
        let bench = Bench::new(None);
        assert!(look(bench.place(&written, "cluster.kdl")).unwrap().compiled.is_some());
        assert_eq!(code(&clustergen(folder.path(), &["build"], &[])), 0);
    }
}

#[test]
fn init_leaves_a_file_alone_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine.kdl");
    fs::write(&mine, "// mine\n").unwrap();
    let output = clustergen(folder.path(), &["init", "-o", "mine.kdl"], &[]);
    assert_eq!(code(&output), 3);
    assert_eq!(
        text(&output),
        "clustergen: `mine.kdl` is there already: name another file with `-o`\n"
    );
    assert_eq!(fs::read_to_string(&mine).unwrap(), "// mine\n");
}

#[test]
fn init_of_an_unknown_product_says_which_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let output = clustergen(folder.path(), &["init", "glu"], &[]);
    assert_eq!(code(&output), 2);
    assert!(text(&output).contains("[possible values: gluu"), "{}", text(&output));
    assert!(!folder.path().join("cluster.kdl").exists());
}
