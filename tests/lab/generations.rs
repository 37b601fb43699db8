//! The bundles that were here: going back to them, keeping them, and their secrets.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::apply::SHELLS;
use crate::built::said;
use crate::bundle::{Bundle, bad, good, host_with_units, root_with};
use crate::host::Host;
use crate::scripts::mode;
use crate::snapshot::Snapshot;

/// Three bundles of one host, in which everything differs that can.
fn bundle(word: &str) -> Bundle {
    let table = format!(
        "directory 0755 root:root /srv/{word}
file 0640 root:root /etc/app.conf reload app.service
file 0600 root:root /etc/only.{word} none -
block c /etc/hosts none -
keys properties /etc/theirs none - there
link /etc/app.link /etc/only.{word} none -
check 0 'grep -q {word} /etc/app.conf' /etc/app.conf
unit app.service
unit {word}.service"
    );
    let files = [
        ("files/etc/app.conf", &*format!("{word} CGSECRET_{word}\n")),
        (&*format!("files/etc/only.{word}"), "only\n"),
        ("edits/etc/hosts.block", &*format!("192.0.2.1 {word}\n")),
        ("edits/etc/theirs.keys", &*format!("{word}=1\nall={word} CGSECRET_{word}\n")),
    ];
    let bundle = Bundle::of(&table, &files);
    bundle.secret(&format!("CGSECRET_{word}"), &format!("value of {word}\n"));
    bundle
}

/// The host's files but for what `apply.sh` keeps, and its units.
fn state(host: &Host) -> (Snapshot, Vec<String>) {
    let names = fs::read_dir(host.path("/tmp/units")).unwrap();
    let mut units: Vec<_> = names.map(|it| it.unwrap().file_name().display().to_string()).collect();
    units.sort();
    (Snapshot::of(&host.upper()), units)
}

fn same(found: &(Snapshot, Vec<String>), wanted: &(Snapshot, Vec<String>)) {
    let mut lines = wanted.0.changes(&found.0);
    lines.retain(|it| !it.starts_with("/var/l"));
    // a folder stays where it was made
    lines.retain(|it| !it.starts_with("/srv/"));
    assert!(lines.is_empty(), "{lines:#?}");
    assert_eq!(found.1, wanted.1);
}

fn numbers(state: &Path) -> Vec<String> {
    let Ok(folder) = fs::read_dir(state.join("generations")) else { return Vec::new() };
    let mut all: Vec<_> = folder.map(|it| it.unwrap().file_name().display().to_string()).collect();
    all.sort();
    all
}

#[test]
fn a_rollback_brings_back_everything_and_a_second_one_goes_one_further() {
    let host = host_with_units(&[]);
    host.write("/etc/theirs", "all=0\none=0\ntwo=0\nthree=0\n");
    host.run(&["chmod", "0600", "/etc/theirs"]);
    let mut states = BTreeMap::new();
    for word in ["one", "two", "three"] {
        good(&bundle(word).on(&host, &[]).0);
        states.insert(word, state(&host));
    }
    let three = bundle("three");
    let (told, asked) = three.on(&host, &["--rollback", "--dry-run"]);
    let told = good(&told);
    for line in [
        "change /etc/app.conf, then reload app.service\n",
        "change /etc/hosts\n",
        "link /etc/app.link\n",
        "remove /etc/only.three\n",
        "stop and disable three.service\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(told.contains("-three CGSECRET_three\n+two CGSECRET_two\n"), "{told}");
    assert!(asked.is_empty(), "{asked:?}");
    let writes = states["three"].0.writes(&state(&host).0);
    assert!(writes.is_empty(), "{writes:?}");

    for word in ["two", "one"] {
        good(&three.on(&host, &["--rollback"]).0);
        same(&state(&host), &states[word]);
        assert_eq!(host.read("/etc/app.conf"), format!("{word} value of {word}\n"));
    }
    let before = state(&host);
    let (done, asked) = three.on(&host, &["--rollback"]);
    bad(&done, "no bundle was here before this one: --uninstall takes away what it installed");
    assert!(asked.is_empty() && before.0.changes(&state(&host).0).is_empty());

    // what was gone back from is as good as new
    good(&three.on(&host, &[]).0);
    same(&state(&host), &states["three"]);
    assert_eq!(numbers(&host.path("/var/lib/clustergen/c")), ["1", "2"]);
}

#[test]
fn a_rollback_that_a_checker_refuses_changes_nothing_and_can_be_said_again() {
    let host = host_with_units(&[]);
    let table = "file 0644 root:root /etc/a none -\ncheck 0 'test ! -e /tmp/strict' /etc/a";
    for text in ["1\n", "2\n"] {
        good(&Bundle::of(table, &[("files/etc/a", text)]).on(&host, &[]).0);
    }
    let bundle = Bundle::of(table, &[("files/etc/a", "2\n")]);
    host.write("/tmp/strict", "");
    bad(&bundle.on(&host, &["--rollback"]).0, "the new files are wrong");
    assert_eq!(host.read("/etc/a"), "2\n");
    assert_eq!(numbers(&host.path("/var/lib/clustergen/c")), ["1", "2"]);
    host.run(&["rm", "/tmp/strict"]);
    good(&bundle.on(&host, &["--rollback"]).0);
    assert_eq!(host.read("/etc/a"), "1\n");
}

const ONE: &str = "file 0600 root:root /etc/a none -";

#[test]
fn a_bundle_that_was_replaced_is_refused_until_older_is_said() {
    let host = host_with_units(&[]);
    let [first, second] = ["1\n", "2\n"].map(|it| Bundle::of(ONE, &[("files/etc/a", it)]));
    good(&first.on(&host, &[]).0);
    good(&second.on(&host, &[]).0);
    let before = state(&host);
    let (done, asked) = first.on(&host, &[]);
    bad(&done, "it was generation 1 here, and generation 2 has replaced it");
    assert!(said(&done).contains("say --older to go back to this one"), "{}", said(&done));
    assert!(asked.is_empty() && before.0.writes(&state(&host).0).is_empty());
    // to look is free
    assert!(good(&first.on(&host, &["--dry-run"]).0).contains("change /etc/a"));
    good(&second.on(&host, &[]).0);

    good(&first.on(&host, &["--older"]).0);
    assert_eq!(host.read("/etc/a"), "1\n");
    assert!(good(&first.on(&host, &[]).0).contains("nothing to change"));
    bad(&second.on(&host, &[]).0, "it was generation 2 here, and generation 3 has replaced it");
    // what came before is the second one all the same
    good(&first.on(&host, &["--rollback"]).0);
    assert_eq!(host.read("/etc/a"), "2\n");
}

#[test]
fn five_generations_are_kept_for_root_alone_until_an_uninstall() {
    let host = host_with_units(&[]);
    let state = host.path("/var/lib/clustergen/c");
    let table =
        format!("{ONE}\nstep 1/1 fill keeps 'the tables are there'\n}}\nproof_fill() {{\nfalse");
    let text = |number| format!("{number} CGSECRET_k\n");
    let bundle = Bundle::of("", &[]);
    bundle.secret("CGSECRET_k", "value\n");
    for number in 1..=7 {
        let files = [("files/etc/a", &*text(number)), ("steps/fill/f", "CGSECRET_k\n")];
        bundle.becomes("h", &table, &files);
        let _ = bundle.on(&host, &[]);
    }
    assert_eq!(numbers(&state), ["3", "4", "5", "6", "7"]);
    for number in ["3", "7"] {
        let all = said(&host.run(&[
            "find",
            &format!("/var/lib/clustergen/c/generations/{number}"),
            "-printf",
            "%P %M %u\n",
        ]));
        for wanted in ["files/etc/a -rw------- root", "secrets/CGSECRET_k -rw------- root"] {
            assert!(all.contains(wanted), "{all}");
        }
        assert!(all.contains("steps/fill/f -rw------- root"), "{all}");
    }
    let open = "find /var/lib/clustergen ! -user root -o -perm /077";
    assert!(host.run(&["sh", "-c", open]).stdout.is_empty());
    for number in (3..=6).rev() {
        good(&bundle.on(&host, &["--rollback"]).0);
        assert_eq!(host.read("/etc/a"), text(number).replace("CGSECRET_k", "value"));
    }
    bad(&bundle.on(&host, &["--rollback"]).0, "no bundle was here before this one");
    good(&bundle.on(&host, &["--uninstall"]).0);
    assert!(!state.join("generations").exists() && !host.path("/etc/a").exists());
    bad(&bundle.on(&host, &["--rollback"]).0, "no bundle was here before this one");
}

const SECRETIVE: &str = "file 0600 root:root /etc/key none -
seed 0600 root:root /etc/seed none -
block c /etc/hosts none -
keys properties /etc/theirs none - there";

/// Everything that may hold a secret, and one value for all of it.
fn secretive(token: &str) -> Bundle {
    let line = format!("k={token}\n");
    let files =
        ["files/etc/key", "files/etc/seed", "edits/etc/hosts.block", "edits/etc/theirs.keys"];
    Bundle::of(SECRETIVE, &files.map(|path| (path, &*line)))
}

fn root_for_secrets() -> TempDir {
    let (root, theirs) = root_with("etc/theirs", "k=0\n");
    fs::write(root.path().join("etc/hosts"), "theirs\n").unwrap();
    for path in [theirs, root.path().join("etc/hosts")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    root
}

#[test]
fn a_secret_that_came_with_an_earlier_bundle_need_not_come_again() {
    let root = root_for_secrets();
    let first = secretive("CGSECRET_k_1");
    first.secret("CGSECRET_k_1", "value\n");
    good(&first.apply(root.path(), &[]));
    // another file, the same token, and nobody brings the value
    let table = format!("{SECRETIVE}\nfile 0600 root:root /etc/more none -");
    let more = secretive("CGSECRET_k_1");
    more.becomes("h", &table, &[("files/etc/more", "CGSECRET_k_1\n")]);
    good(&more.apply(root.path(), &[]));
    let read = |path: &str| fs::read_to_string(root.path().join(path)).unwrap();
    assert_eq!(read("etc/more"), "value\n");
    assert!(root.path().join("var/lib/clustergen/c/generations/2/secrets/CGSECRET_k_1").exists());
    assert_eq!(mode(&root.path().join("var/lib/clustergen/c/generations/2")), "0700");
    // a new one has to come
    let new = secretive("CGSECRET_k_2");
    bad(&new.apply(root.path(), &[]), "the value of CGSECRET_k_2 is not in");
    assert_eq!(read("etc/key"), "k=value\n");
}

#[test]
fn looking_needs_no_secret() {
    let root = root_for_secrets();
    let first = secretive("CGSECRET_k_1");
    let plan = |bundle: &Bundle| {
        let done = bundle.apply(root.path(), &["--check"]);
        assert_eq!(done.status.code(), Some(2), "{}", said(&done));
        said(&done)
    };
    for line in
        ["change /etc/key\n", "change /etc/seed\n", "change /etc/hosts\n", "set k in /etc/theirs\n"]
    {
        assert!(plan(&first).contains(line), "{}", plan(&first));
    }
    good(&first.apply(root.path(), &["--dry-run"]));
    first.secret("CGSECRET_k_1", "Sesame\n");
    good(&first.apply(root.path(), &[]));
    fs::remove_dir_all(first.folder.path().join("secrets")).unwrap();
    assert!(good(&first.apply(root.path(), &["--check"])).ends_with("] "));
    let second = secretive("CGSECRET_k_2");
    for line in ["change /etc/key\n", "change /etc/hosts\n", "set k in /etc/theirs\n"] {
        assert!(plan(&second).contains(line), "{}", plan(&second));
    }
    let dry = good(&second.apply(root.path(), &["--dry-run"]));
    assert!(dry.contains("-k=CGSECRET_k_1\n+k=CGSECRET_k_2\n"), "{dry}");
    assert!(!dry.contains("Sesame"), "{dry}");
}

#[test]
fn a_path_is_the_same_path_in_every_run_whatever_stands_in_it() {
    let paths =
        ["/etc/Á ĀłŁ/ü", "/etc/[a]*?", "/etc/$(id)'s \"b\"", "/etc/back\\slash", "/etc/~ # -"];
    for shell in SHELLS {
        let root = TempDir::new().unwrap();
        let bundle = |text: &str| {
            let quoted = paths.map(|it| it.replace('\'', "'\\''"));
            let table = quoted.map(|it| format!("file 0600 root:root '{it}' none -\n")).concat();
            let bundle = Bundle::of("", &[]);
            let files = paths.map(|it| (format!("files{it}"), text));
            let files = files.each_ref().map(|(path, text)| (&**path, *text));
            bundle.becomes("h", &table, &files);
            // as the generator writes it, without escapes
            let sums = bundle.folder.path().join("SHA256SUMS");
            let plain = fs::read_to_string(&sums).unwrap().replace("\\\\", "\\");
            let lines: Vec<&str> = plain.lines().map(|it| it.trim_start_matches('\\')).collect();
            fs::write(sums, lines.join("\n") + "\n").unwrap();
            bundle
        };
        let [first, second] = ["1\n", "2\n"].map(bundle);
        let ask = |bundle: &Bundle, args: &[&str]| {
            bundle.apply_with(shell[0], &shell[1..], root.path(), args)
        };
        let read = |path: &str| fs::read_to_string(root.path().join(&path[1..])).ok();
        assert!(good(&ask(&first, &[])).contains("5 changed"));
        assert!(good(&ask(&first, &[])).contains("nothing to change"));
        assert!(good(&ask(&second, &[])).contains("5 changed"));
        assert!(good(&ask(&second, &["--rollback"])).contains("5 changed"));
        assert!(paths.iter().all(|it| read(it).as_deref() == Some("1\n")));
        good(&ask(&first, &["--uninstall"]));
        assert!(paths.iter().all(|it| read(it).is_none()), "{shell:?}");
    }
}

#[test]
fn a_rollback_after_an_interrupted_run_goes_one_bundle_back_and_no_further() {
    let table = "file 0644 root:root /etc/a reload a.service";
    let bundle = |text: &str| Bundle::of(table, &[("files/etc/a", text)]);
    let host = host_with_units(&["a.service"]);
    for text in ["1\n", "2\n"] {
        good(&bundle(text).on(&host, &[]).0);
    }
    let interrupt =
        || host.program("/tmp/at-reload-or-restart", "#!/bin/sh\nrm -f $0; kill -9 $1\n");
    let told = "the bundle before the interrupted one is here again";
    // the third never was here for good, so what it replaced is one back
    interrupt();
    bundle("3\n").on(&host, &[]);
    assert_eq!(host.read("/etc/a"), "3\n");
    assert!(good(&bundle("3\n").on(&host, &["--rollback"]).0).contains(told));
    assert_eq!(host.read("/etc/a"), "2\n");
    // who says it again after it was interrupted means the same
    interrupt();
    bundle("2\n").on(&host, &["--rollback"]);
    assert_eq!(host.read("/etc/a"), "1\n");
    assert!(!good(&bundle("2\n").on(&host, &["--rollback"]).0).contains(told));
    assert_eq!(host.read("/etc/a"), "1\n");
    assert_eq!(numbers(&host.path("/var/lib/clustergen/c")), ["1"]);
}
