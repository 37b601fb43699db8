//! One bundle after another: what a host had before leaves no trace in what it has then.
//!
//! In: each pair of `golden/diff`, built by clustergen with one state, and each description of
//! `golden/ok`. Out: file systems, compared by path, mode and content, on which they were applied:
//! below folders, and for some on hosts of namespaces, with owners and units.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::apply::apply;
use crate::built::{Built, said};
use crate::bundle::{good, host_with_units};
use crate::host::Host;
use crate::snapshot::Snapshot;

/// The cases of a folder of `golden/`.
fn cases(of: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(of);
    let mut cases: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// A description of a case with all that lies beside it.
fn build(case: &Path, name: &str) -> Built {
    let kdl = text(case, name);
    Built::prepared(&kdl, |folder| {
        // what is stored builds from its lock; two that follow each other have a vault of their own
        let copy = "cp -r \"$0\"/. . && rm -rf out
            if [ -e before.kdl ]; then rm -rf state; else mv state cluster.state; fi";
        good(
            &Command::new("sh").args(["-c", copy]).arg(case).current_dir(folder).output().unwrap(),
        );
        fs::write(folder.join("cluster.kdl"), &kdl).unwrap();
    })
}

/// A description with a plain vault: to whom it is encrypted is nothing of a host's.
fn text(case: &Path, name: &str) -> String {
    let kdl = fs::read_to_string(case.join(name)).unwrap();
    let lines = kdl.lines().filter(|line| !line.starts_with("vault "));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// A bundle with made-up values for its secrets: those of stored ones nobody knows any more.
struct Whole {
    bundle: PathBuf,
    secrets: TempDir,
}

impl Whole {
    fn new(bundle: PathBuf) -> Self {
        let secrets = TempDir::new().unwrap();
        let find = ["-rhoE", "CGSECRET_[A-Za-z0-9_]*", "files", "edits", "steps"];
        let found = Command::new("grep").args(find).current_dir(&bundle).output().unwrap();
        for token in String::from_utf8(found.stdout).unwrap().lines() {
            fs::write(secrets.path().join(token), format!("of {token}\n")).unwrap();
        }
        Self { bundle, secrets }
    }

    /// Runs its `apply.sh`; what it said.
    fn apply(&self, root: &Path, args: &[&str]) -> String {
        let mut apply = Command::new("sh");
        apply.arg(self.bundle.join("apply.sh")).arg("--root").arg(root);
        apply.arg("--secrets").arg(self.secrets.path()).args(args);
        let done = apply.output().unwrap();
        assert!(done.status.success(), "{} {args:?} {}", self.bundle.display(), said(&done));
        said(&done)
    }

    fn sums(&self) -> String {
        fs::read_to_string(self.bundle.join("SHA256SUMS")).unwrap()
    }

    /// Where something of it is to lie.
    fn targets(&self) -> Vec<String> {
        let places = self.sums();
        let places = places.lines().filter_map(|line| line.split_once("  "));
        let target = |place: &str| match place.split_once('/')? {
            ("files", path) => Some(path.to_owned()),
            ("edits", path) => path.rsplit_once('.').map(|(path, _)| path.to_owned()),
            _ => None,
        };
        places.filter_map(|(_, place)| target(place)).collect()
    }
}

/// The bundles of a description, by host.
fn bundles(built: &Built) -> Vec<(String, Whole)> {
    built.hosts().into_iter().map(|name| (name.clone(), Whole::new(built.bundle(&name)))).collect()
}

/// A folder in which somebody has a file of his own wherever one of the bundles has something to say.
fn inhabited(bundles: &[&Whole]) -> TempDir {
    let root = TempDir::new().unwrap();
    for folder in ["etc/cloud", "var/lib"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    for target in bundles.iter().flat_map(|it| it.targets()) {
        let at = root.path().join(&target);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(&at, format!("theirs = {target}\n")).unwrap();
        fs::set_permissions(at, fs::Permissions::from_mode(0o600)).unwrap();
    }
    root
}

/// What differs between two folders, but for what `apply.sh` keeps for itself. Folders that a bundle
/// made stay when it goes, as somebody may have put something there; here nobody has.
fn differences(one: &Path, other: &Path) -> Vec<String> {
    let mut lines = Snapshot::whole(one).changes(&Snapshot::whole(other));
    lines.retain(|line| {
        let stays = line.strip_suffix(" is gone").is_some_and(|path| empty(one, path));
        !line.starts_with("/var/lib/clustergen") && !stays
    });
    lines
}

/// Whether it is a folder without files.
fn empty(root: &Path, path: &str) -> bool {
    let mut find = Command::new("find");
    find.arg(root.join(&path[1..])).args(["!", "-type", "d"]);
    find.output().unwrap().stdout.is_empty()
}

fn same(one: &Path, other: &Path, what: &str) {
    let differences = differences(one, other);
    assert!(differences.is_empty(), "{what}: {differences:#?}");
}

/// A host's bundles after one another, on what somebody has there.
fn follow(old: &Whole, new: &Whole, what: &str) {
    let root = || inhabited(&[old, new]);
    if old.sums() == new.sums() {
        let host = root();
        old.apply(host.path(), &[]);
        assert!(new.apply(host.path(), &[]).contains("nothing to change"), "{what}");
        return;
    }
    let (untouched, alone, before, host) = (root(), root(), root(), root());
    new.apply(alone.path(), &[]);
    old.apply(before.path(), &[]);
    old.apply(host.path(), &[]);
    new.apply(host.path(), &[]);
    same(host.path(), alone.path(), &format!("{what}: new after old, and new alone"));
    new.apply(host.path(), &["--rollback"]);
    same(host.path(), before.path(), &format!("{what}: rolled back, and old alone"));
    new.apply(host.path(), &["--older"]);
    new.apply(host.path(), &["--uninstall"]);
    same(host.path(), untouched.path(), &format!("{what}: uninstalled, and never installed"));
}

fn come_and_go(bundle: &Whole, what: &str) {
    let (untouched, host) = (inhabited(&[bundle]), inhabited(&[bundle]));
    bundle.apply(host.path(), &[]);
    bundle.apply(host.path(), &["--uninstall"]);
    same(host.path(), untouched.path(), &format!("{what}: uninstalled, and never installed"));
}

/// All pairs, in one direction.
fn follow_all(from: &str, to: &str) {
    for case in cases("diff") {
        let built = build(&case, from);
        let kept = built.folder().join("old");
        fs::rename(built.folder().join("out"), &kept).unwrap();
        let old: Vec<(String, Whole)> = Built::hosts_in(&kept)
            .into_iter()
            .map(|name| {
                let bundle = kept.join(&name);
                (name, Whole::new(bundle))
            })
            .collect();
        built.rebuild(&text(&case, to));
        let new = bundles(&built);
        let names: BTreeSet<&String> = old.iter().chain(&new).map(|(name, _)| name).collect();
        for name in names {
            let of = |list: &'_ [(String, Whole)]| list.iter().position(|(it, _)| it == name);
            let what = format!("{} {name}", case.display());
            match (of(&old), of(&new)) {
                (Some(a), Some(b)) => follow(&old[a].1, &new[b].1, &what),
                // the runbook has a host that goes uninstalled
                (Some(one), None) => come_and_go(&old[one].1, &what),
                (None, Some(one)) => come_and_go(&new[one].1, &what),
                (None, None) => {}
            }
        }
    }
}

#[test]
fn the_new_bundle_after_the_old_one_gives_what_the_new_one_gives_alone() {
    follow_all("before.kdl", "after.kdl");
}

#[test]
fn and_so_does_the_old_one_after_the_new() {
    follow_all("after.kdl", "before.kdl");
}

#[test]
fn every_stored_bundle_applied_again_writes_nothing() {
    for case in cases("ok") {
        let built = build(&case, "cluster.kdl");
        for (name, bundle) in bundles(&built) {
            let root = inhabited(&[&bundle]);
            bundle.apply(root.path(), &[]);
            let before = Snapshot::whole(root.path());
            let what = format!("{} {name}", case.display());
            assert!(bundle.apply(root.path(), &[]).contains("nothing to change"), "{what}");
            let written = before.writes(&Snapshot::whole(root.path()));
            assert!(written.is_empty(), "{what} {written:#?}");
        }
    }
}

/// With owners, links, accounts, units, and what the real programs make and check.
#[test]
fn a_host_has_the_units_and_files_of_its_last_bundle_alone() {
    for (case, name) in [("a-host-takes-anothers-place", "lb"), ("a-group-is-renamed", "app1")] {
        let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/diff").join(case);
        let built = build(&case, "before.kdl");
        let host = || host_with_units(&["cron.service"]);
        let (untouched, alone, before, both) = (host(), host(), host(), host());
        let on = |host: &Host, args: &[&str]| {
            let args = [&["--i-am", name][..], args].concat();
            let (done, _) = apply(&built, host, name, &args);
            assert!([Some(0), Some(5)].contains(&done.status.code()), "{args:?} {}", said(&done));
        };
        let alike = |one: &Host, other: &Host, what: &str| {
            let mut lines = one.disk().changes(&other.disk());
            lines.retain(|line| {
                let stays =
                    line.strip_suffix(" is gone").is_some_and(|path| empty(&one.root(), path));
                let data = ["/var/lib/clustergen", "/var/log", "/var/lib/csync2"];
                !data.iter().any(|it| line.starts_with(it)) && !stays
            });
            assert!(lines.is_empty(), "{name} {what}: {lines:#?}");
            let units = |host: &Host| said(&host.run(&["ls", "/tmp/units"]));
            assert_eq!(units(one), units(other), "{name} {what}");
        };
        let untouched_disk = untouched.disk();
        on(&untouched, &["--dry-run"]);
        let written = untouched_disk.writes(&untouched.disk());
        assert!(written.is_empty(), "{name} was only looked at: {written:#?}");
        on(&before, &[]);
        on(&both, &[]);
        built.rebuild(&text(&case, "after.kdl"));
        on(&both, &[]);
        on(&alone, &[]);
        alike(&both, &alone, "new after old, and new alone");
        on(&both, &["--rollback"]);
        alike(&both, &before, "rolled back, and old alone");
        on(&alone, &["--uninstall"]);
        alike(&alone, &untouched, "uninstalled, and never installed");
    }
}
