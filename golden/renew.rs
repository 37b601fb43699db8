//! Certificates that end, are listed and made anew; and that no kill in between loses a key.

use std::fs;
use std::path::Path;
use std::process::Output;

use clustergen::certs::{Renewing, renew};
use clustergen::disk::RealFolder;
use clustergen::output::Form;
use clustergen::pack::{Packing, pack};
use clustergen::run::build;
use time::Duration;

use crate::cli::{clustergen, code, text};
use crate::crash::{Killed, copied, lock_names_what_is_there};
use crate::support::{
    Bench, Edited, build_well, compare_text, day, golden, messages, no_faults, tree,
};

const DESCRIPTION: &str = r#"
cluster "c" domain="example.net" platform="debian-12"
host "a" address="10.0.0.1"
host "b" address="10.0.0.2"
certificate "www" {
    names "www.example.net"
    on "a" "b" cert="/etc/www.crt" key="/etc/www.key"
}
certificate "long" {
    names "long.example.net"
    validity "2000d"
    key-type "p-384"
    on "a" cert="/etc/long.crt" key="/etc/long.key"
}
certificate "theirs" {
    names "theirs.example.net"
    source "on-host" cert="/etc/t.crt" key="/etc/t.key"
    on "a" cert="/etc/t.crt" key="/etc/t.key"
}
"#;

fn written() -> Edited {
    let base = RealFolder(std::env::temp_dir());
    Edited { base, name: "cluster.kdl".to_owned(), text: DESCRIPTION.to_owned() }
}

/// A project, built today.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), DESCRIPTION).unwrap();
    let built = clustergen(folder.path(), &["build"], &[]);
    assert_eq!(code(&built), 0, "{}", text(&built));
    folder
}

fn certs(folder: &Path, args: &[&str]) -> Output {
    clustergen(folder, &[&["certs"], args].concat(), &[])
}

fn lock(folder: &Path) -> Vec<String> {
    let lock = fs::read_to_string(folder.join("cluster.state/lock")).unwrap();
    lock.lines().map(str::to_owned).collect()
}

#[test]
fn the_list_is_as_stored() {
    let mut faults = Vec::new();
    for (case, args) in [
        ("all", &["--as-of", "2026-12-01"][..]),
        ("within", &["--as-of", "2028-12-20", "--within", "30d"]),
        ("ended", &["--as-of", "2028-12-31", "--within", "1d"]),
        ("json", &["--as-of", "2028-12-20", "--json"]),
    ] {
        for good in ["certificate-of-files", "certificate-of-each-kind", "certificate-on-the-host"]
        {
            let folder = golden().join("ok").join(good);
            let done = certs(&folder, &[&["list", "--state", "state"], args].concat());
            let stored = golden().join(format!("certs/{good}-{case}.txt"));
            let out = String::from_utf8(done.stdout.clone()).unwrap();
            compare_text(&stored, &format!("{out}exit {}\n", code(&done)), &mut faults);
        }
    }
    no_faults(&faults);
}

#[test]
fn a_list_without_a_lock_says_what_is_not_made_yet() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), DESCRIPTION).unwrap();
    let done = certs(folder.path(), &["list"]);
    assert_eq!(code(&done), 0, "{}", text(&done));
    assert_eq!(text(&done).matches("not made yet").count(), 4, "{}", text(&done));
    assert_eq!(tree(folder.path()).len(), 1, "something was written");
    for (args, said) in [
        (["list", "--as-of", "tomorrow"], "write a day as"),
        (["list", "--within", "10s"], "write days or weeks"),
    ] {
        let done = certs(folder.path(), &args);
        assert_eq!(code(&done), 2, "{}", text(&done));
        assert!(text(&done).contains(said), "{}", text(&done));
    }
}

#[test]
fn what_is_renewed_has_a_new_key_and_the_old_one_stays() {
    let folder = project();
    let state = folder.path().join("cluster.state");
    let key = fs::read(state.join("vault/keys/a/www.key")).unwrap();
    let (before, pem) = (lock(folder.path()), fs::read(state.join("certs/a/www.pem")).unwrap());
    let done = certs(folder.path(), &["renew", "cluster.kdl", "a/www"]);
    assert_eq!(code(&done), 0, "{}", text(&done));
    assert!(text(&done).starts_with("a/www: until 20"), "{}", text(&done));
    let after = lock(folder.path());
    let changed: Vec<&String> = before.iter().filter(|it| !after.contains(it)).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    let digest = changed[0].split("key=").nth(1).unwrap()[..8].to_owned();
    let old = fs::read(state.join(format!("vault/keys/a/www.key.{digest}"))).unwrap();
    assert_eq!(old, key);
    assert_ne!(fs::read(state.join("vault/keys/a/www.key")).unwrap(), key);
    assert_eq!(code(&clustergen(folder.path(), &["build", "--check"], &[])), 1);
    let built = clustergen(folder.path(), &["build"], &[]);
    assert!(text(&built).contains("/etc/www.crt"), "{}", text(&built));
    assert_eq!(code(&clustergen(folder.path(), &["build", "--check"], &[])), 0);
    // the commit is reverted: what was there is built, and packed
    fs::write(state.join("lock"), before.join("\n") + "\n").unwrap();
    fs::write(state.join("certs/a/www.pem"), pem).unwrap();
    for command in ["build", "pack"] {
        let done = clustergen(folder.path(), &[command], &[]);
        assert_eq!(code(&done), 0, "{}", text(&done));
    }
}

/// A renewal of a certificate that peers pin says who learns it, and who shows it after them.
#[test]
fn the_page_of_changes_has_the_order_for_what_is_pinned() {
    let folder = project();
    let group = "csync2 \"g\" { members \"a\" \"b\"; include \"/srv/g\"; }\n";
    fs::write(folder.path().join("cluster.kdl"), format!("{DESCRIPTION}{group}")).unwrap();
    assert_eq!(code(&clustergen(folder.path(), &["build"], &[])), 0);
    for (names, first, last) in [
        (&["b/csync2", "--keep-key"][..], &["csync2.known[b]` on a"][..], &["b"][..]),
        (&["csync2"], &["csync2.known[a]` on b", "csync2.known[b]` on a"], &["a", "b"]),
    ] {
        let done = certs(folder.path(), &[&["renew", "cluster.kdl"], names].concat());
        assert_eq!(code(&done), 0, "{}", text(&done));
        let page = text(&clustergen(folder.path(), &["build"], &[]));
        let under = |title: &str| -> Vec<String> {
            let (_, rest) = page.split_once(&format!("**{title}**\n\n")).expect("a list");
            let (list, _) = rest.split_once("\n\n").expect("more");
            let short = |line: &str| {
                let (from, hosts) = line.split_once(" from ")?;
                Some(format!("{from} {}", &hosts[hosts.rfind("on ")?..]))
            };
            let mut lines: Vec<String> = list.lines().filter_map(short).collect();
            lines.sort();
            lines
        };
        let first: Vec<String> = first.iter().map(|it| format!("- `{it}")).collect();
        assert_eq!(under("apply there first"), first, "{page}");
        let last: Vec<String> = last.iter().map(|it| format!("- `csync2.shown` on {it}")).collect();
        assert_eq!(under("apply there last"), last, "{page}");
    }
}

#[test]
fn a_key_is_kept_where_it_is_asked_for() {
    let folder = project();
    let keys = tree(&folder.path().join("cluster.state/vault/keys"));
    let before = lock(folder.path());
    let done = certs(folder.path(), &["renew", "cluster.kdl", "www", "--keep-key"]);
    assert_eq!(code(&done), 0, "{}", text(&done));
    assert_eq!(tree(&folder.path().join("cluster.state/vault/keys")), keys);
    let after = lock(folder.path());
    assert_eq!(before.iter().filter(|it| !after.contains(it)).count(), 2);
}

#[test]
fn within_a_time_only_what_ends_is_renewed() {
    let folder = project();
    let renew = |within: &str| {
        let done = certs(folder.path(), &["renew", "cluster.kdl", "--within", within]);
        assert_eq!(code(&done), 0, "{}", text(&done));
        text(&done)
    };
    assert!(renew("30d").contains("nothing has to be renewed"));
    let told = renew("900d");
    assert!(told.contains("a/www: ") && told.contains("b/www: "), "{told}");
    assert!(!told.contains("long"), "{told}");
}

#[test]
fn what_cannot_be_renewed_is_told_and_nothing_is_written() {
    let folder = project();
    let before = tree(folder.path());
    for (name, said) in [
        ("wwww", "did you mean `www`?"),
        ("a/lon", "did you mean `a/long`?"),
        ("theirs", "kept on the hosts by somebody else"),
        ("ca", "hosts that trust both"),
        ("b/long", "nothing shows a certificate `b/long`"),
    ] {
        let done = certs(folder.path(), &["renew", "cluster.kdl", "www", name]);
        assert_eq!(code(&done), 1, "{name}: {}", text(&done));
        assert!(text(&done).contains(said), "{name}: {}", text(&done));
    }
    assert!(before == tree(folder.path()), "something was written");
    let key = folder.path().join("cluster.state/vault/keys/a/www.key");
    fs::write(&key, "-----BEGIN PRIVATE KEY-----\n").unwrap();
    let damaged = tree(folder.path());
    let done = certs(folder.path(), &["renew", "cluster.kdl", "www"]);
    assert_eq!(code(&done), 1, "{}", text(&done));
    assert!(text(&done).contains("`vault/keys/a/www.key` cannot be used"), "{}", text(&done));
    assert!(damaged == tree(folder.path()), "something was written");
    fs::remove_dir_all(folder.path().join("cluster.state/vault")).unwrap();
    let done = certs(folder.path(), &["renew", "cluster.kdl", "www"]);
    assert_eq!(code(&done), 3, "{}", text(&done));
    assert!(text(&done).contains("the vault is not here"), "{}", text(&done));
}

#[test]
fn nothing_outlives_its_authority() {
    let bench = Bench::new(None);
    let description = written();
    build_well(bench.place(&description, "cluster.kdl"));
    let names = ["www".to_owned()];
    let renewing = Renewing { names: &names, by: None, keep_key: false, revoke: false };
    let later = |days| {
        let place = bench.place(&description, "cluster.kdl");
        renew(place, &renewing, day() + Duration::days(days)).unwrap()
    };
    let (report, renewals) = later(7000);
    assert_eq!(renewals[0].until.unwrap(), (day() + Duration::days(7300)).date());
    let mut faults = Vec::new();
    let stored = golden().join("state/a-certificate-that-ends-with-its-authority.txt");
    compare_text(&stored, &messages(&report), &mut faults);
    no_faults(&faults);
    let (report, renewals) = later(7301);
    assert!(renewals.is_empty());
    assert!(messages(&report).contains("nobody believes what it signs"), "{}", messages(&report));
}

/// Whatever the lock names after a kill is there to be built and packed, and renewing can be said
/// again.
#[test]
fn a_renewal_that_is_killed_anywhere_loses_no_key() {
    let old = Bench::new(None);
    let description = written();
    build_well(old.place(&description, "cluster.kdl"));
    let before = tree(&old.state.0.join("vault/keys"));
    let names = ["www".to_owned()];
    for (keep_key, revoke) in [(false, false), (true, false), (false, true)] {
        let renewing = Renewing { names: &names, by: None, keep_key, revoke };
        for n in 1.. {
            let bench = copied(&old);
            let disk = Killed::after(n, true);
            let place = bench.place_on(&description, "cluster.kdl", &disk);
            let done = renew(place, &renewing, day()).is_ok();
            let at = format!("killed at operation {n}");
            lock_names_what_is_there(&bench.state.0, &at);
            let keys = tree(&bench.state.0.join("vault/keys"));
            for key in before.values() {
                assert!(keys.values().any(|it| it == key), "{at}: a key was lost");
            }
            build_well(bench.place(&description, "cluster.kdl"));
            let to = bench.out.with_file_name("packs");
            let packing = Packing { only: &[], to: &to, form: Form::Tar, signer: None };
            let (report, packs) = pack(bench.place(&description, "cluster.kdl"), packing).unwrap();
            assert_eq!(packs.len(), 2, "{at}: {}", messages(&report));
            renew(bench.place(&description, "cluster.kdl"), &renewing, day()).unwrap();
            build(bench.place(&description, "cluster.kdl"), &[], day()).unwrap();
            if done {
                assert!(n > 10, "only {n} operations");
                break;
            }
        }
    }
}
