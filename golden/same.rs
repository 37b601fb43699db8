//! The same description, lock and seals give the same bytes; and what is said where lock, vault
//! and certificates do not fit together.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use clustergen::disk::RealFolder;
use clustergen::run::{build, compare_with};

use crate::cli::{clustergen, code, text};
use crate::support::{
    Bench, Edited, build_well, compare_text, day, golden, messages, no_faults, tree,
};

/// A project of a user's: a description with its state, built, in a folder of its own.
fn project(case: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in tree(&golden().join("ok").join(case)) {
        let inside = name.strip_prefix("state/").map(|it| format!("cluster.state/{it}"));
        if name.starts_with("out/") || name == "messages.txt" {
            continue;
        }
        let path = folder.path().join(inside.unwrap_or(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn without_history(mut files: BTreeMap<String, String>) -> BTreeMap<String, String> {
    files.retain(|name, _| !name.ends_with("changes.diff") && name != "CHANGES.md");
    files
}

#[test]
fn other_folders_threads_time_zones_and_languages_give_the_same_bytes() {
    let mut trees = Vec::new();
    for (threads, zone, language) in [
        ("1", "UTC", "C"),
        ("2", "Asia/Kathmandu", "de_DE.UTF-8"),
        ("7", "America/Chicago", "tr_TR"),
    ] {
        let folder = project("gluu-4");
        let env = [
            ("RAYON_NUM_THREADS", threads),
            ("TZ", zone),
            ("LANG", language),
            ("LC_ALL", language),
        ];
        let built = clustergen(folder.path(), &["build", "-o", "elsewhere"], &env);
        assert_eq!(code(&built), 0, "{}", text(&built));
        trees.push(tree(&folder.path().join("elsewhere")));
    }
    assert!(trees[0].len() > 30);
    assert_eq!(trees[0], trees[1]);
    assert_eq!(trees[0], trees[2]);
}

#[test]
fn with_and_without_the_vault_the_bytes_are_the_same() {
    let bench = Bench::new(None);
    let folder = RealFolder(golden().join("ok/gluu-4"));
    build_well(bench.place(&folder, "cluster.kdl"));
    let with = tree(&bench.out);
    fs::remove_dir_all(bench.state.0.join("vault")).unwrap();
    fs::remove_dir_all(&bench.out).unwrap();
    let report = build_well(bench.place(&folder, "cluster.kdl"));
    assert!(report.without_vault.is_some());
    assert_eq!(with, tree(&bench.out));
}

#[test]
fn a_second_build_changes_nothing_and_rewrites_nothing() {
    let folder = project("gluu-4");
    clustergen(folder.path(), &["build"], &[]);
    let file = folder.path().join("out/loadbalancer/files/etc/nginx/nginx.conf");
    let stamp = fs::metadata(&file).unwrap().modified().unwrap();
    let before = tree(folder.path());
    let again = clustergen(folder.path(), &["build"], &[]);
    assert!(text(&again).contains("nothing changed"), "{}", text(&again));
    assert_eq!(before, tree(folder.path()));
    assert_eq!(stamp, fs::metadata(&file).unwrap().modified().unwrap());
}

#[test]
fn check_is_content_with_a_build_and_shows_a_hand_edit() {
    let folder = project("gluu-4");
    clustergen(folder.path(), &["build"], &[]);
    let fine = clustergen(folder.path(), &["build", "--check"], &[]);
    assert_eq!(code(&fine), 0, "{}", text(&fine));
    let file = folder.path().join("out/node1/files/etc/csync2.cfg");
    let edited = fs::read_to_string(&file).unwrap().replace("auto younger", "auto none");
    fs::remove_file(&file).unwrap();
    fs::write(&file, edited).unwrap();
    let stale = clustergen(folder.path(), &["build", "--check"], &[]);
    assert_eq!(code(&stale), 1);
    let told = "clustergen: this is not what a build of `cluster.kdl` would write: build, read what changes, then commit\n";
    assert!(text(&stale).ends_with(told), "{}", text(&stale));
    assert!(text(&stale).contains("-    auto none;\n+    auto younger;"), "{}", text(&stale));
    for (path, what) in
        [("out/node1/files/etc/stranger", "stranger"), ("out/RUNBOOK.md", "RUNBOOK")]
    {
        clustergen(folder.path(), &["build"], &[]);
        fs::write(folder.path().join(path), "by hand\n").unwrap();
        let stale = clustergen(folder.path(), &["build", "--check"], &[]);
        assert_eq!(code(&stale), 1, "{path}");
        assert!(text(&stale).contains(what), "{}", text(&stale));
        fs::remove_file(folder.path().join(path)).unwrap();
    }
}

#[test]
fn a_fresh_clone_with_other_settings_is_still_what_the_lock_gives() {
    let folder = project("gluu-4");
    clustergen(folder.path(), &["build"], &[]);
    let clone = tempfile::tempdir().unwrap();
    let script = r#"
        set -e
        git init -q . && git add -A
        git -c user.name=t -c user.email=t@example.org commit -qm built
        umask 077
        git clone -q -c core.autocrlf=true . "$CLONE/fresh"
        grep -q "$(printf '\r')" "$CLONE/fresh/cluster.kdl" || { echo "the clone has no CRLF: this proves nothing"; exit 9; }
    "#;
    let run = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .env("CLONE", clone.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", text(&run));
    assert!(!clone.path().join("fresh/cluster.state/vault").exists());
    let check = clustergen(&clone.path().join("fresh"), &["build", "--check"], &[]);
    assert_eq!(code(&check), 0, "{}", text(&check));
}

#[test]
fn the_vault_stays_out_of_git() {
    let folder = project("hosts-names-and-aliases");
    fs::remove_dir_all(folder.path().join("cluster.state")).unwrap();
    fs::copy(golden().join("ok/csync2-of-etc/cluster.kdl"), folder.path().join("cluster.kdl"))
        .unwrap();
    let built = clustergen(folder.path(), &["build"], &[]);
    assert_eq!(code(&built), 0, "{}", text(&built));
    assert!(folder.path().join("cluster.state/vault/ca.key").exists());
    let run = Command::new("sh")
        .args(["-c", "git init -q . && git add -A && git ls-files"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(text(&run).contains("cluster.state/lock"), "{}", text(&run));
    assert!(!text(&run).contains("vault"), "{}", text(&run));
}

#[test]
fn what_expand_prints_builds_to_the_same_bundles_but_for_origins() {
    for case in ["gluu-4", "gluu-4-changed"] {
        let folder = project(case);
        clustergen(folder.path(), &["build"], &[]);
        let printed = clustergen(folder.path(), &["expand"], &[]);
        assert_eq!(code(&printed), 0);
        fs::write(folder.path().join("cluster.kdl"), &printed.stdout).unwrap();
        let built = clustergen(folder.path(), &["build", "-o", "again"], &[]);
        assert_eq!(code(&built), 0, "{}", text(&built));
        let again = clustergen(folder.path(), &["expand"], &[]);
        let comments = |it: &[u8]| {
            String::from_utf8_lossy(it)
                .lines()
                .filter(|line| !line.starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(comments(&printed.stdout), comments(&again.stdout), "expanding twice is once");
        let bundles = |out: &str| {
            let mut files = without_history(tree(&folder.path().join(out)));
            // a manifest names origins, and the sums and digests follow from it
            files.retain(|name, _| {
                !["SHA256SUMS", "cluster.json", "RUNBOOK.md"].iter().any(|it| name.ends_with(it))
            });
            for (name, text) in &mut files {
                if name.ends_with("manifest.json") {
                    *text = text.lines().filter(|line| !line.contains("\"origin\"")).collect();
                }
            }
            files
        };
        assert_eq!(bundles("out"), bundles("again"), "{case}");
    }
}

#[test]
fn a_partial_build_writes_its_host_alone_and_never_the_lock() {
    let folder = project("gluu-4");
    clustergen(folder.path(), &["build"], &[]);
    let description = folder.path().join("cluster.kdl");
    let edit = |from: &str, to: &str| {
        let text = fs::read_to_string(&description).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&description, text.replace(from, to)).unwrap();
    };
    edit("    cache \"redis\"", "    cache \"redis\"\n    file-replication { auto \"none\"; }");
    let before = tree(&folder.path().join("out"));
    let built = clustergen(folder.path(), &["build", "--host", "node1"], &[]);
    assert_eq!(code(&built), 0, "{}", text(&built));
    let after = tree(&folder.path().join("out"));
    assert_ne!(before["node1/files/etc/csync2.cfg"], after["node1/files/etc/csync2.cfg"]);
    assert_eq!(before["node2/files/etc/csync2.cfg"], after["node2/files/etc/csync2.cfg"]);
    let refused = |host: &str| {
        let before = tree(folder.path());
        let refused = clustergen(folder.path(), &["build", "--host", host], &[]);
        assert_eq!(code(&refused), 1, "{}", text(&refused));
        assert!(before == tree(folder.path()), "something was written");
        text(&refused)
    };
    assert!(refused("nod1").contains("did you mean `node1`?"));
    // a job with minutes of its own is a new line of the lock
    let job = "cron \"job\" { on \"redis\"; every \"20m\"; command \"true\"; }\n\ngluu \"idp\"";
    edit("gluu \"idp\"", job);
    assert!(refused("node1").contains("a partial build cannot change the lock"));
}

#[test]
fn an_output_folder_of_somebody_else_is_not_touched() {
    let folder = project("gluu-4");
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("out/thesis.txt"), "mine\n").unwrap();
    let refused = clustergen(folder.path(), &["build"], &[]);
    assert_eq!(code(&refused), 3, "{}", text(&refused));
    assert!(text(&refused).contains("clustergen did not make it"), "{}", text(&refused));
    assert_eq!(tree(&folder.path().join("out")).len(), 1);
}

/// A claim, and what is done to a state.
type Damage = (&'static str, fn(&Path));

/// A damaged state, and the whole message.
#[test]
fn a_state_that_does_not_fit_is_told_as_stored() {
    let mut faults = Vec::new();
    let damage: [Damage; 7] = [
        ("a-line-that-is-none", |state| {
            let lock = fs::read_to_string(state.join("lock")).unwrap();
            fs::write(state.join("lock"), lock + "slot everything\n").unwrap();
        }),
        ("a-merge-that-is-not-finished", |state| {
            let lock = fs::read_to_string(state.join("lock")).unwrap();
            fs::write(state.join("lock"), lock + "<<<<<<< HEAD\n").unwrap();
        }),
        ("two-hosts-with-one-slot", |state| {
            let lock = fs::read_to_string(state.join("lock")).unwrap();
            fs::write(state.join("lock"), lock.replace("/node2 2", "/node2 0")).unwrap();
        }),
        ("two-lines-for-one-secret", |state| {
            let lock = fs::read_to_string(state.join("lock")).unwrap();
            let line = format!("secret csync2[idp]/key {}\n", "ab".repeat(16));
            fs::write(state.join("lock"), lock + &line).unwrap();
        }),
        ("a-certificate-that-is-not-there", |state| {
            fs::remove_file(state.join("certs/node1/csync2.pem")).unwrap();
        }),
        ("a-certificate-of-somebody-else", |state| {
            fs::copy(state.join("certs/node2/csync2.pem"), state.join("certs/node1/csync2.pem"))
                .unwrap();
        }),
        ("a-lock-that-lacks-a-host-and-no-vault", |state| {
            let lock = fs::read_to_string(state.join("lock")).unwrap();
            let kept = lock.lines().filter(|line| !line.starts_with("certificate node1/csync2"));
            fs::write(state.join("lock"), kept.collect::<Vec<_>>().join("\n") + "\n").unwrap();
        }),
    ];
    let stored = golden().join("ok/gluu-4/state");
    let folder = RealFolder(golden().join("ok/gluu-4"));
    for (claim, damage) in damage {
        let bench = Bench::new(Some(&stored));
        damage(&bench.state.0);
        let before = tree(&bench.state.0);
        let report = build(bench.place(&folder, "cluster.kdl"), &[], day()).unwrap();
        assert!(report.diffs.is_none(), "{claim}: it was built");
        assert_eq!(before, tree(&bench.state.0), "{claim}: the state was changed");
        assert!(!bench.out.exists(), "{claim}: output was left behind");
        compare_text(&golden().join(format!("state/{claim}.txt")), &messages(&report), &mut faults);
    }
    no_faults(&faults);
}

#[test]
fn a_lost_lock_comes_back_from_the_vault() {
    let bench = Bench::new(None);
    let folder = RealFolder(golden().join("ok/gluu-4"));
    build_well(bench.place(&folder, "cluster.kdl"));
    let before = tree(&bench.state.0);
    fs::remove_file(bench.state.0.join("lock")).unwrap();
    build_well(bench.place(&folder, "cluster.kdl"));
    assert_eq!(before, tree(&bench.state.0));
    assert!(compare_with(bench.place(&folder, "cluster.kdl"), false).unwrap().fresh());
}

#[test]
fn a_host_that_comes_back_is_given_what_it_had() {
    let bench = Bench::new(None);
    let case = golden().join("diff/a-host-is-removed");
    let written = |name: &str| Edited {
        base: RealFolder(case.clone()),
        name: "cluster.kdl".to_owned(),
        text: fs::read_to_string(case.join(name)).unwrap(),
    };
    let (with, without) = (written("before.kdl"), written("after.kdl"));
    build_well(bench.place(&with, "cluster.kdl"));
    let (state, out) = (tree(&bench.state.0), without_history(tree(&bench.out)));
    build_well(bench.place(&without, "cluster.kdl"));
    let lock = fs::read_to_string(bench.state.0.join("lock")).unwrap();
    assert!(lock.contains("retired certificate app2/csync2"), "{lock}");
    build_well(bench.place(&with, "cluster.kdl"));
    assert_eq!(state, tree(&bench.state.0));
    assert_eq!(out, without_history(tree(&bench.out)));
}
