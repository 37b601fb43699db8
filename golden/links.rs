//! `clustergen links`: the tables and the JSON of some good descriptions, as they are stored.

use std::fs;

use crate::cli::{clustergen, code, text};
use crate::support::{compare_text, golden, no_faults};

#[test]
fn links_are_told_as_stored_to_people_and_to_programs() {
    let mut faults = Vec::new();
    let mut cases: Vec<String> = fs::read_dir(golden().join("links"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.rsplit_once('.').unwrap().0.to_owned())
        .collect();
    cases.sort();
    cases.dedup();
    assert!(cases.len() >= 2, "{cases:?}");
    for case in cases {
        let folder = golden().join("ok").join(&case);
        for (ending, args) in [("txt", &["links"][..]), ("json", &["links", "--json"])] {
            let output = clustergen(&folder, args, &[]);
            assert_eq!(code(&output), 0, "{case}: {}", text(&output));
            let came = String::from_utf8(output.stdout).unwrap();
            if ending == "json" {
                assert!(serde_json::from_str::<serde_json::Value>(&came).unwrap().is_object());
            }
            compare_text(&golden().join(format!("links/{case}.{ending}")), &came, &mut faults);
            assert!(!folder.join("out").join("cluster.json").exists(), "it writes nothing");
        }
    }
    no_faults(&faults);
}

#[test]
fn links_of_a_wrong_description_are_not_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), "cluster \"c\"\n").unwrap();
    let output = clustergen(folder.path(), &["links", "--json"], &[]);
    assert_eq!(code(&output), 1);
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
}
