//! Good descriptions and their bundles, file by file.
//!
//! The engine (`apply.sh`) is the same in every bundle, and sums and digests follow from the
//! files: these are left out here and tested on their own.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{
    Bench, build_well, compare_text, compare_tree, folders, golden, messages, no_faults, tree,
    updating,
};
use clustergen::disk::RealFolder;

/// What a stored tree leaves out.
const LEFT_OUT: [&str; 4] = ["apply.sh", "SHA256SUMS", "changes.diff", "cluster.json"];

fn shown(out: &Path) -> BTreeMap<String, String> {
    let mut files = tree(out);
    files.retain(|name, _| !LEFT_OUT.contains(&name.rsplit('/').next().unwrap()));
    files.remove("CHANGES.md");
    files
}

#[test]
fn every_good_description_builds_to_the_stored_bundles() {
    let mut faults = Vec::new();
    for case in folders(&golden().join("ok")) {
        let stored = case.join("state");
        // a state that lacks something is made anew, with a vault that is thrown away
        let mut bench = Bench::new(Some(&stored));
        let folder = RealFolder(case.clone());
        let complete =
            clustergen::run::build(bench.place(&folder, "cluster.kdl"), &[], crate::support::day())
                .is_ok_and(|report| report.diffs.is_some())
                && bench.made_nothing();
        if !complete && updating() {
            bench = Bench::new(None);
        }
        let report = build_well(bench.place(&folder, "cluster.kdl"));
        assert!(complete || updating(), "{}: the stored state is not whole", case.display());
        compare_text(&case.join("messages.txt"), &messages(&report), &mut faults);
        compare_tree(&stored, &bench.public_state(), &mut faults);
        compare_tree(&case.join("out"), &shown(&bench.out), &mut faults);
    }
    no_faults(&faults);
}

#[test]
fn every_bundle_has_the_same_engine_and_right_sums() {
    for case in folders(&golden().join("ok")) {
        let bench = Bench::new(Some(&case.join("state")));
        let folder = RealFolder(case.clone());
        build_well(bench.place(&folder, "cluster.kdl"));
        for host in folders(&bench.out) {
            let files = tree(&host);
            assert_eq!(files["apply.sh"], clustergen::render::apply_sh());
            let sums: BTreeMap<&str, &str> = files["SHA256SUMS"]
                .lines()
                .map(|line| line.split_once("  ").unwrap())
                .map(|(a, b)| (b, a))
                .collect();
            for (name, text) in files
                .iter()
                .filter(|(name, _)| !["SHA256SUMS", "changes.diff"].contains(&name.as_str()))
            {
                let digest = clustergen::render::sha256(text.as_bytes());
                assert_eq!(
                    sums.get(name.as_str()),
                    Some(&digest.as_str()),
                    "{}: {name}",
                    host.display()
                );
            }
            assert_eq!(sums.len() + 2, files.len(), "{}", host.display());
        }
    }
}
