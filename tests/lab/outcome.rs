//! What `apply.sh --json` says: one object, whatever happens, and nothing else on standard output.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Instant;

use serde_json::{Value, json};

use crate::apply::SHELLS;
use crate::built::said;
use crate::bundle::{Bundle, host_with_units, root_with};

/// Each awk that a host may have.
const AWKS: [&str; 3] = ["gawk", "mawk", "busybox"];

/// What a run said; it is of `c` and `h`, and whatever is for people stands elsewhere.
fn outcome(done: &Output) -> Value {
    let text = String::from_utf8(done.stdout.clone()).unwrap();
    let found: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}", said(done)));
    assert_eq!(found["exit"], json!(done.status.code()), "{found}");
    for key in ["changes", "waits", "steps", "proofs", "host_keys"] {
        assert!(found[key].is_array(), "{key} is no list: {found}");
    }
    assert_eq!(found.as_object().unwrap().len(), 10, "{found}");
    found
}

/// The keys that say something, but for cluster and host.
fn told(done: &Output) -> Value {
    let mut found = outcome(done);
    assert_eq!((&found["cluster"], &found["host"]), (&json!("c"), &json!("h")));
    let all = found.as_object_mut().unwrap();
    all.retain(|key, it| {
        !["cluster", "host"].contains(&&**key) && !it.is_null() && *it != json!([])
    });
    found
}

const TABLE: &str = "directory 0755 root:root /srv/app
file 0644 root:root /etc/a reload a.service
verify 'it answers' 'test ! -e /tmp/lab-outcome'
step 1/2 fill destroys 'the tables are there'
step 2/2 more keeps 'more of them'
}
proof_fill() {
true";

#[test]
fn every_mode_says_its_outcome_as_json_and_all_else_elsewhere() {
    let change = json!({"kind": "file", "name": "/etc/a", "action": "reload", "unit": "a.service"});
    let folder = json!({"kind": "directory", "name": "/srv/app", "action": null, "unit": null});
    for shell in SHELLS {
        let (root, _) = root_with("etc/x", "");
        let bundle = Bundle::of(TABLE, &[("files/etc/a", "a\n")]);
        let ask = |args: &[&str]| {
            bundle.apply_with(shell[0], &shell[1..], root.path(), &[&["--json"], args].concat())
        };
        let changes = json!([folder, change]);
        assert_eq!(
            told(&ask(&["--check"])),
            json!({"mode": "check", "exit": 2, "changes": changes})
        );
        let dry = ask(&["--dry-run"]);
        assert_eq!(told(&dry), json!({"mode": "dry-run", "exit": 0, "changes": changes}));
        assert!(String::from_utf8_lossy(&dry.stderr).contains("+a\n"), "{}", said(&dry));
        let done = ask(&[]);
        assert_eq!(told(&done), json!({"mode": "apply", "exit": 0, "changes": changes}));
        assert_eq!(String::from_utf8_lossy(&done.stderr), "h: 2 changed\n");
        assert_eq!(told(&ask(&[])), json!({"mode": "apply", "exit": 0}));
        assert_eq!(told(&ask(&["--check"])), json!({"mode": "check", "exit": 0}));
        let proofs = json!([{"title": "it answers", "ok": true, "said": ""}]);
        assert_eq!(
            told(&ask(&["--verify"])),
            json!({"mode": "verify", "exit": 0, "proofs": proofs})
        );
        assert_eq!(told(&ask(&["--bootstrap", "fill"])), json!({"mode": "bootstrap", "exit": 0}));
        let listed = told(&ask(&["--list"]));
        let [first, second] = [&listed["steps"][0], &listed["steps"][1]];
        assert!(first["done"].as_str().unwrap().ends_with(" UTC"), "{listed}");
        let wanted = json!({"number": "2/2", "step": "more", "title": "more of them", "done": null, "destroys": false});
        assert_eq!((second, &first["destroys"]), (&wanted, &json!(true)));
        bundle.becomes("h", TABLE, &[("files/etc/a", "b\n")]);
        ask(&[]);
        let back = json!({"mode": "rollback", "exit": 0, "changes": [change]});
        assert_eq!(told(&ask(&["--rollback"])), back);
        let gone =
            json!({"kind": "gone", "name": "/etc/a", "action": "reload", "unit": "a.service"});
        let plan = json!({"mode": "dry-run", "exit": 0, "changes": [gone]});
        assert_eq!(told(&ask(&["--uninstall", "--dry-run"])), plan);
        assert_eq!(told(&ask(&["--uninstall"]))["mode"], "uninstall");
    }
}

#[test]
fn what_fails_or_is_refused_says_why_in_the_same_object() {
    for shell in SHELLS {
        let refused = |prepare: &dyn Fn(&Bundle, &Path), args: &[&str]| {
            let (root, _) = root_with("etc/x", "");
            let bundle = Bundle::of(
                "file 0600 root:root /etc/a none -",
                &[("files/etc/a", "a CGSECRET_k\n")],
            );
            bundle.secret("CGSECRET_k", "value");
            prepare(&bundle, root.path());
            let done = bundle.apply_with(
                shell[0],
                &shell[1..],
                root.path(),
                &[&["--json"], args].concat(),
            );
            let error = outcome(&done)["error"].as_str().unwrap().to_owned();
            assert_eq!(done.status.code(), Some(1), "{}", said(&done));
            assert_eq!(String::from_utf8_lossy(&done.stderr), format!("apply.sh: {error}\n"));
            assert!(!root.path().join("etc/a").is_file());
            error
        };
        let of = |path: &'static str| {
            move |bundle: &Bundle, _: &Path| {
                fs::remove_file(bundle.folder.path().join(path)).unwrap();
            }
        };
        assert!(refused(&of("host.sh"), &[]).contains("the bundle is not whole"));
        assert!(
            refused(&of("files/etc/a"), &["--check"])
                .contains("not as it was built, so copy it here again:\n")
        );
        assert!(refused(&of("secrets/CGSECRET_k"), &[]).contains("the value of CGSECRET_k"));
        assert!(refused(&|_, _| (), &["--rollback"]).starts_with("no bundle was here"));
        assert!(refused(&|_, _| (), &["--bootstrap", "x"]).contains("h has no step x"));
        let folder = |_: &Bundle, root: &Path| fs::create_dir_all(root.join("etc/a")).unwrap();
        assert!(refused(&folder, &["--dry-run"]).starts_with("a folder lies where"));
    }
}

const ON_A_HOST: &str = "file 0644 root:root /etc/a reload a.service
check 0 'cat /etc/a; exit 3' /etc/a
need fill unit app.service
step 1/1 fill keeps 'the tables are there'
}
proof_fill() {
false";

#[test]
fn a_run_that_waits_fails_or_loses_something_says_so_in_each_shell() {
    let host = host_with_units(&["a.service"]);
    for shell in SHELLS {
        let ask = |bundle: &Bundle| bundle.on_with(shell, &host, &["--json"]).0;
        let bundle = Bundle::of(&ON_A_HOST.replace("exit 3", "exit 0"), &[("files/etc/a", "a\n")]);
        let done = ask(&bundle);
        assert_eq!(told(&done)["waits"], json!(["fill"]), "{}", said(&done));
        assert_eq!(done.status.code(), Some(5));
        bundle.becomes("h", ON_A_HOST, &[("files/etc/a", "b\n")]);
        let done = ask(&bundle);
        let error = "these say that the new files are wrong, so nothing was installed:\n  cat /etc/a; exit 3";
        assert_eq!(told(&done)["error"], error, "{}", said(&done));
        assert_eq!(done.status.code(), Some(1));
        bundle.becomes("h", &ON_A_HOST.replace("exit 3", "exit 0"), &[("files/etc/a", "b\n")]);
        host.program("/tmp/at-reload-or-restart", "#!/bin/sh\nexit 1\n");
        let done = ask(&bundle);
        assert_eq!(told(&done)["error"], "a.service could not reload", "{}", said(&done));
        assert_eq!(done.status.code(), Some(4), "{}", said(&done));
        host.run(&["rm", "/tmp/at-reload-or-restart"]);
        bundle.becomes("h", "", &[]);
        assert_eq!(told(&ask(&bundle))["exit"], 0);
        bundle.on(&host, &["--uninstall"]);
    }
}

/// All bytes but the one that ends a line, and words beyond ASCII.
const ODD: &str = r#"directory 0755 root:root '/srv/a\b "c" ü€'
verify 'says "\ü€' 'awk "BEGIN { for (i = 0; i < 256; i++) if (i != 10) printf \"%c\", i }"; echo; echo "ü€	"; false'
step 1/1 odd keeps 'a "title" with \ and ü€'
}
proof_odd() {
true"#;

#[test]
fn odd_characters_are_still_json_with_each_awk() {
    let plain: String = (' '..='~').collect();
    for awk in AWKS {
        let host = host_with_units(&[]);
        host.run(&["ln", "-sf", &format!("/usr/bin/{awk}"), "/usr/local/bin/awk"]);
        for shell in SHELLS {
            let bundle = Bundle::of(ODD, &[]);
            let ask = |args: &[&str]| bundle.on_with(shell, &host, &[&["--json"], args].concat()).0;
            assert_eq!(told(&ask(&["--check"]))["changes"][0]["name"], "/srv/a\\b \"c\" ü€");
            assert_eq!(told(&ask(&["--list"]))["steps"][0]["title"], "a \"title\" with \\ and ü€");
            let done = ask(&["--verify"]);
            let proof = &told(&done)["proofs"][0];
            assert_eq!((&proof["title"], &proof["ok"]), (&json!("says \"\\ü€"), &json!(false)));
            let lines: Vec<_> = proof["said"].as_str().unwrap().split('\n').collect();
            let hidden = "?".repeat(9) + "\t" + &"?".repeat(21);
            assert_eq!(lines[0], format!("{hidden}{plain}?{}", "?".repeat(128)), "{awk}");
            assert_eq!(lines[1], "ü€\t");
            // a refusal that names what nobody can see
            let wrong = Bundle::of(
                "file 0644 \"$(printf 'no\\001body\\344'):ü\" /etc/a none -",
                &[("files/etc/a", "a\n")],
            );
            let done = wrong.on_with(shell, &host, &["--json"]).0;
            assert!(
                told(&done)["error"].as_str().unwrap().contains("no?body?:ü"),
                "{}",
                said(&done)
            );
        }
    }
}

#[test]
fn a_daemon_that_a_step_starts_keeps_nobody_waiting_for_the_outcome() {
    let table = "step 1/1 up keeps 'it runs'
}
run_up() {
    sleep 99 >/dev/null 2>&1 &
    : >/tmp/up
}
proof_up() {
    test -e /tmp/up";
    let bundle = Bundle::of(table, &[]);
    for shell in SHELLS {
        let host = host_with_units(&[]);
        let began = Instant::now();
        let done = bundle.on_with(shell, &host, &["--json", "--bootstrap", "up"]).0;
        assert_eq!(outcome(&done)["exit"], 0, "{}", said(&done));
        assert!(began.elapsed().as_secs() < 60, "the daemon held what its reader waits for");
    }
}
