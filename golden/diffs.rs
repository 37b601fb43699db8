//! What a change of the description changes: the whole page, and what it does to the lock.

use std::fs;

use clustergen::disk::RealFolder;
use clustergen::run::compare_with;

use crate::support::{
    Bench, Edited, build_well, compare_text, compare_tree, day, folders, golden, messages,
    no_faults, updating,
};

#[test]
fn every_change_is_told_as_stored() {
    let mut faults = Vec::new();
    for case in folders(&golden().join("diff")) {
        let stored = case.join("state");
        let file = |name: &str| Edited {
            base: RealFolder(case.clone()),
            name: "cluster.kdl".to_owned(),
            text: fs::read_to_string(case.join(name)).unwrap(),
        };
        let (before, after) = (file("before.kdl"), file("after.kdl"));
        let mut bench = Bench::new(Some(&stored));
        let fine = clustergen::run::build(bench.place(&before, "cluster.kdl"), &[], day())
            .is_ok_and(|report| report.diffs.is_some())
            && bench.made_nothing();
        if !fine && updating() {
            bench = Bench::new(None);
        }
        build_well(bench.place(&before, "cluster.kdl"));
        compare_tree(&stored, &bench.public_state(), &mut faults);
        let report = compare_with(bench.place(&after, "cluster.kdl"), true).unwrap();
        let page = report.page().unwrap_or_else(|| panic!("{}", messages(&report)));
        let old = fs::read_to_string(bench.state.0.join("lock")).unwrap();
        let new = report.compiled.as_ref().unwrap().allotted.lock.print("cluster.kdl");
        let lock = similar::TextDiff::from_lines(old.as_str(), new.as_str());
        let lock = lock.unified_diff().context_radius(0).header("lock", "lock").to_string();
        compare_text(&case.join("page.md"), &format!("{page}\n{lock}"), &mut faults);
    }
    no_faults(&faults);
}
