//! What is carried to a host, in an archive or sealed: the values that it needs, and no others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cli::text;
use crate::nowhere::{Planted, planted};
use crate::support::tree;
use crate::traces::Traces;

/// The values in a host's archive, by path.
fn packed(archive: &Path, host: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = Command::new("tar");
    let done = tar.arg("xf").arg(archive).current_dir(&folder).output().unwrap();
    assert!(done.status.success(), "{}", text(&done));
    tree(&folder.path().join(host))
}

#[test]
fn an_archive_has_the_values_of_its_host_and_no_others() {
    let mut project = Planted::new();
    project.begin();
    project.runs(&["pack", "--as", "tar"], 0);
    let vault = tree(&project.project().join("cluster.state/vault"));
    let mut found = BTreeMap::new();
    for host in ["a", "b", "idle"] {
        let archive = packed(&project.project().join(format!("packs/{host}.tar")), host);
        for (name, text) in vault.iter().filter(|(name, _)| *name != "lock") {
            let mut traces = Traces::default();
            if text.contains("PRIVATE KEY") {
                traces.add_key(name, text);
            } else {
                traces.add(name, text.trim_end());
            }
            if !traces.find_in(&archive).is_empty() {
                found.entry(name.as_str()).or_insert_with(Vec::new).push(host);
            }
        }
    }
    let expected = [
        ("keys/a/csync2.key", vec!["a"]),
        ("keys/a/k256.key", vec!["a"]),
        ("keys/b/csync2.key", vec!["b"]),
        ("keys/b/k384.key", vec!["b"]),
        ("keys/b/rsa.key", vec!["b"]),
        ("keys/signed.key", vec!["a"]),
        ("secrets/csync2[data]/key", vec!["a", "b"]),
        ("secrets/drawn", vec!["a"]),
        ("secrets/given-base64", vec!["a"]),
        ("secrets/given-ini", vec!["b"]),
        ("secrets/given-json", vec!["a"]),
        ("secrets/given-properties", vec!["a"]),
        ("secrets/given-raw", vec!["a", "b"]),
        ("secrets/given-sh", vec!["a"]),
        ("secrets/given-store", vec!["a"]),
        ("secrets/given-url", vec!["a"]),
        ("secrets/given-xml", vec!["a"]),
    ];
    assert_eq!(found, BTreeMap::from(expected));
}

/// Sealed, packed, and plain in the vault: what arrives is the same.
#[test]
fn what_is_sealed_is_what_is_packed_when_the_real_age_opens_it() {
    let mut project = Planted::new();
    project.begin();
    project.runs(&["pack", "--as", "tar"], 0);
    let mut archive = packed(&project.project().join("packs/a.tar"), "a");
    archive.retain(|name, _| name.starts_with("secrets/"));
    let opened = project.at("opened/secrets");
    fs::create_dir_all(&opened).unwrap();
    let script = "age -d -i ../../host ../../project/out/a/secrets.age | tar x";
    let done = Command::new("sh").args(["-c", script]).current_dir(&opened).output().unwrap();
    assert!(done.status.success(), "{}", text(&done));
    let opened = tree(&project.at("opened"));
    assert!(archive.len() > 10, "{:?}", archive.keys());
    assert_eq!(opened.keys().collect::<Vec<_>>(), archive.keys().collect::<Vec<_>>());
    assert!(opened == archive, "values differ");
    // and as they are, where the format has nothing to write in its own way
    let raw = archive.iter().find(|(name, _)| name.contains("given_raw_raw")).unwrap().1;
    assert_eq!(*raw, planted("given-raw"));
    let other = "age -d -i ../../alice ../../project/out/a/secrets.age";
    let done = Command::new("sh")
        .args(["-c", other])
        .current_dir(project.at("opened/secrets"))
        .output()
        .unwrap();
    assert!(!done.status.success(), "somebody else opens it");
}
