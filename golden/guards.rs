//! Registries and cases keep step: nothing is added without its cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use clustergen::Knowledge;
use clustergen::diag::{Code, explain};
use clustergen::disk::RealFolder;
use clustergen::render::Templates;
use clustergen::schema::Stage;
use clustergen::source::Sources;

use crate::err::told;
use crate::support::{folders, golden, tree};

#[test]
fn every_code_has_a_case_that_shows_it() {
    let shown: BTreeSet<Code> = told().iter().flat_map(|it| it.codes.iter().copied()).collect();
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !shown.contains(*code) && !elsewhere(**code))
        .map(|code| code.id())
        .collect();
    assert!(missing.is_empty(), "no case in golden/err shows {missing:?}");
}

/// Codes of a damaged state: no edit of a description shows them. See `same.rs`,
/// `certs.rs`, `renew.rs` and `vault.rs`.
pub fn elsewhere(code: Code) -> bool {
    [
        Code::NeedsVault,
        Code::LockDamaged,
        Code::LockConflict,
        Code::IdentityMismatch,
        Code::KeyMismatch,
        Code::OtherRecipients,
        Code::ForeignSeal,
        Code::AuthorityEnds,
        Code::AuthorityChanges,
    ]
    .contains(&code)
}

/// With an example that shows the very code.
#[test]
fn every_code_is_explained() {
    let without = |code: &&Code| {
        let page = explain(**code).unwrap_or_default();
        !page.contains(&format!("[{}]: ", code.id()))
    };
    let missing: Vec<&str> = Code::ALL.iter().filter(without).map(|code| code.id()).collect();
    assert!(missing.is_empty(), "src/diag/explain says nothing of {missing:?}");
}

#[test]
fn codes_are_unique_and_in_order() {
    let ids: Vec<&str> = Code::ALL.iter().map(|code| code.id()).collect();
    let sorted: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids, sorted.into_iter().collect::<Vec<_>>());
}

#[test]
fn every_service_has_schema_templates_and_cases_of_its_name() {
    let folder = RealFolder(golden());
    let mut sources = Sources::new(&folder);
    let schema = Knowledge::load(&mut sources).unwrap().schema;
    let services: BTreeSet<&str> = clustergen::services::ALL.iter().map(|it| it.kind).collect();
    let described: BTreeSet<&str> = schema
        .nodes
        .values()
        .filter(|form| form.stage == Some(Stage::Service))
        .map(|form| form.name.as_str())
        .collect();
    assert_eq!(services, described, "registry and schema/ name the same services");
    let products: BTreeSet<&str> =
        clustergen::products::ALL.iter().map(|(name, _)| *name).collect();
    let described: BTreeSet<&str> = schema
        .nodes
        .values()
        .filter(|form| form.stage == Some(Stage::Product))
        .map(|form| form.name.as_str())
        .collect();
    assert_eq!(products, described, "registry and schema/ name the same products");
    let good: Vec<String> = folders(&golden().join("ok"))
        .iter()
        .map(|it| it.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let bad: Vec<String> = tree(&golden().join("err")).into_keys().collect();
    for kind in services.union(&products) {
        let start = format!("{kind}-");
        assert!(good.iter().any(|it| it.starts_with(&start)), "no golden/ok/{start}…");
        let starts = [format!("{kind}/"), format!("schema/{kind}."), format!("schema/{kind}-")];
        let told = bad.iter().any(|it| starts.iter().any(|start| it.starts_with(start)));
        assert!(told, "no golden/err/{kind}/…");
    }
}

#[test]
fn every_template_is_used_by_a_good_case() {
    let mut texts = String::new();
    for (name, text) in tree(&golden().join("../src")) {
        if ["services/", "render/", "lib.rs"].iter().any(|it| name.starts_with(it)) {
            texts.push_str(&text);
        }
    }
    for (name, text) in tree(&golden().join("../templates")) {
        if name.ends_with(".tera") {
            texts.push_str(&text.replace("include \"", "\""));
        }
    }
    for name in Templates::names() {
        assert!(texts.contains(&format!("\"{name}\"")), "nothing renders templates/{name}.tera");
    }
}

/// The lab writes the page, from what programs say; what has to stand on it is known here already.
#[test]
fn the_page_of_readers_names_the_cases_of_every_stored_file() {
    let mut stored: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in folders(&golden().join("ok")) {
        let name = case.file_name().unwrap().to_str().unwrap();
        for (file, text) in tree(&case.join("out")) {
            let secret = text.starts_with("CGSECRET_") && text.lines().count() == 1;
            if let Some(path) = row(&file).filter(|_| !secret) {
                stored.entry(path).or_default().insert(name.to_owned());
            }
        }
    }
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let page = fs::read_to_string(golden().join("../docs/read-by.md")).unwrap();
    for line in page.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        if let [_, file, cases, _] = cells[..]
            && let Some(path) = file.strip_prefix('`').and_then(|it| it.strip_suffix('`'))
        {
            let cases = cases.split(", ").map(str::to_owned);
            listed.entry(path.to_owned()).or_default().extend(cases);
        }
    }
    let none = BTreeSet::new();
    for path in stored.keys().chain(listed.keys()) {
        let [is, says] = [&stored, &listed].map(|it| it.get(path).unwrap_or(&none));
        let update = "GOLDEN=update cargo test --test lab readers";
        assert_eq!(says, is, "docs/read-by.md on {path}; to store it: {update}");
    }
}

/// How the page names a file of a build (`node1/edits/etc/hosts.block`), if it does.
fn row(file: &str) -> Option<String> {
    let (_, place) = file.split_once('/')?;
    if let Some(edited) = place.strip_prefix("edits/") {
        let (path, kind) = edited.rsplit_once('.')?;
        return Some(format!("/{path} ({kind})"));
    }
    let path = place.strip_prefix("files/")?;
    Some(match path.split_once("/99-clustergen-") {
        Some((folder, _)) => format!("/{folder}/99-clustergen-CLUSTER.cfg"),
        None => format!("/{path}"),
    })
}
