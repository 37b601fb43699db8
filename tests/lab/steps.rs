//! One-time steps and proofs: what waits, what is done once, what is never done unasked.

use std::fs;

use crate::built::said;
use crate::bundle::{Bundle, bad, failed, good, start};

const STEP: &str = "
step 1/2 fill keeps 'the tables are there'
need fill unit app.service
need fill verify 'the tables answer' 'test -e /tmp/filled'
}
guard_fill() {
    test ! -e /tmp/unsafe
}
run_fill() {
    echo ran >>/tmp/ran
    false || echo x >/tmp/filled
}
proof_fill() {
    test -e /tmp/filled
";

#[test]
fn what_needs_a_step_is_neither_started_nor_judged_until_it_is_done() {
    let bundle = Bundle::of(STEP, &[]);
    let host = start("h");
    let (first, asked) = bundle.on(&host, &[]);
    assert_eq!(first.status.code(), Some(5), "{}", said(&first));
    assert!(
        said(&first).contains("waits for a one-time step, see --list: fill"),
        "{}",
        said(&first)
    );
    assert!(asked.is_empty(), "{asked:?}");
    let (verify, _) = bundle.on(&host, &["--verify"]);
    assert!(!good(&verify).contains("tables"), "{}", said(&verify));

    let done = good(&bundle.on(&host, &["--bootstrap", "fill"]).0);
    assert!(
        done.contains("fill: done\nnow say apply.sh: what waited for fill is started"),
        "{done}"
    );
    let (then, asked) = bundle.on(&host, &[]);
    good(&then);
    assert_eq!(asked, ["enable -q app.service", "start app.service"]);
    host.write("/tmp/running", "");
    let (verify, _) = bundle.on(&host, &["--verify"]);
    assert!(good(&verify).contains("ok    the tables answer"), "{}", said(&verify));
    host.run(&["rm", "/tmp/filled"]);
    let (verify, _) = bundle.on(&host, &["--verify"]);
    assert_eq!(verify.status.code(), Some(2), "{}", said(&verify));
    assert!(said(&verify).contains("FAIL  the tables answer"), "{}", said(&verify));
}

#[test]
fn what_needs_two_steps_is_started_after_both() {
    let two = "
step 1/2 fill keeps 'the tables are there'
step 2/2 tell keeps 'the others are told'
need fill need tell unit app.service
need fill need tell verify 'the tables answer' true
}
proof_fill() {
    :
}
proof_tell() {
    :
";
    let bundle = Bundle::of(two, &[]);
    let host = start("h");
    let waits = |step: &str| format!("waits for a one-time step, see --list: {step}");
    assert!(said(&bundle.on(&host, &[]).0).contains(&waits("fill tell")));
    let first = good(&bundle.on(&host, &["--bootstrap", "fill"]).0);
    assert!(!first.contains("now say apply.sh"), "one of them is not done: {first}");
    let (done, asked) = bundle.on(&host, &[]);
    assert!(said(&done).contains(&waits("tell")), "{}", said(&done));
    assert!(asked.is_empty(), "{asked:?}");
    assert!(!said(&bundle.on(&host, &["--verify"]).0).contains("the tables answer"));
    let second = good(&bundle.on(&host, &["--bootstrap", "tell"]).0);
    assert!(second.contains("now say apply.sh: what waited for tell is started"), "{second}");
    let (done, asked) = bundle.on(&host, &[]);
    good(&done);
    assert_eq!(asked, ["enable -q app.service", "start app.service"]);
}

#[test]
fn a_step_is_done_once_and_only_where_its_guard_agrees() {
    let bundle = Bundle::of(STEP, &[]);
    let host = start("h");
    host.write("/tmp/unsafe", "");
    bad(&bundle.on(&host, &["--bootstrap", "fill"]).0, "its guard says that it is not safe now");
    host.run(&["rm", "/tmp/unsafe"]);
    good(&bundle.on(&host, &["--bootstrap", "fill"]).0);
    assert!(good(&bundle.on(&host, &["--bootstrap", "fill"]).0).contains("was done 20"));
    assert_eq!(host.read("/tmp/ran"), "ran\n");
    let listed = good(&bundle.on(&host, &["--list"]).0);
    assert!(listed.contains("1/2") && listed.contains("done  20"), "{listed}");
}

#[test]
fn a_step_whose_secret_comes_later_says_so_and_hinders_nothing_else() {
    let late = [("steps/fill/password", "CGSECRET_ldap_raw_00000000\n")];
    let (bundle, host) = (Bundle::of(STEP, &late), start("h"));
    assert_eq!(bundle.on(&host, &[]).0.status.code(), Some(5));
    let why = "CGSECRET_ldap_raw_00000000 stands for a secret that had no value";
    bad(&bundle.on(&host, &["--bootstrap", "fill"]).0, why);
    assert!(!host.path("/tmp/ran").exists());
}

#[test]
fn what_was_done_by_another_hand_is_proven_or_said() {
    let bundle = Bundle::of(STEP, &[]);
    let host = start("h");
    host.write("/tmp/filled", "");
    assert!(good(&bundle.on(&host, &["--bootstrap", "fill"]).0).contains("by whatever hand"));
    assert!(!host.path("/tmp/ran").exists());
    let other = start("h");
    assert!(good(&bundle.on(&other, &["--list"]).0).contains("waits"));
    good(&bundle.on(&other, &["--mark-done", "fill"]).0);
    assert!(good(&bundle.on(&other, &["--list"]).0).contains("done  20"));
}

#[test]
fn a_mark_that_is_taken_back_has_the_step_done_again() {
    let bundle = Bundle::of(STEP, &[]);
    let host = start("h");
    let undone = |step: &str| bundle.on(&host, &["--mark-undone", step]).0;
    bad(&undone("fil"), "h has no step fil");
    bad(&undone("fill"), "fill is not done");
    good(&bundle.on(&host, &["--bootstrap", "fill"]).0);
    good(&bundle.on(&host, &[]).0);
    host.run(&["rm", "/tmp/filled"]); // as one who was installed anew
    assert!(good(&bundle.on(&host, &["--bootstrap", "fill"]).0).contains("--mark-undone fill"));
    let (done, asked) = bundle.on(&host, &["--mark-undone", "fill", "--json"]);
    assert!(good(&done).contains("fill: not done any more"), "{}", said(&done));
    assert!(said(&done).contains(r#""mode": "mark-undone""#), "{}", said(&done));
    assert!(asked.is_empty(), "what was started goes on: {asked:?}");
    assert!(host.read("/var/log/clustergen.log").contains("fill: not done any more"));
    assert!(good(&bundle.on(&host, &["--list"]).0).contains("waits"));
    failed(&bundle.on(&host, &[]).0, 5, "waits for a one-time step, see --list: fill");
    good(&bundle.on(&host, &["--bootstrap", "fill"]).0);
    assert_eq!(host.read("/tmp/ran"), "ran\nran\n");
}

#[test]
fn a_step_that_goes_and_comes_back_is_not_done() {
    let bundle = Bundle::of(STEP, &[]);
    let host = start("h");
    let mark = host.path("/var/lib/clustergen/c/done/fill");
    let forgets = "forgets that fill was done: it is no longer described";
    bundle.on(&host, &[]);
    good(&bundle.on(&host, &["--bootstrap", "fill"]).0);
    good(&bundle.on(&host, &[]).0);

    // what is looked at, is put back or goes back a bundle keeps it
    let other = "file 0644 root:root /etc/other none -";
    let wrong = format!("{other}\ncheck 0 false /etc/other");
    bundle.becomes("h", &wrong, &[("files/etc/other", "x\n")]);
    bad(&bundle.on(&host, &[]).0, "the new files are wrong");
    bundle.becomes("h", other, &[]);
    good(&bundle.on(&host, &["--dry-run"]).0);
    good(&bundle.on(&host, &["--older"]).0);
    good(&bundle.on(&host, &["--rollback"]).0);
    assert!(mark.exists());

    let gone = good(&bundle.on(&host, &[]).0);
    assert_eq!(gone.matches(forgets).count(), 1, "{gone}");
    assert!(!mark.exists() && host.read("/var/log/clustergen.log").contains(forgets));
    bundle.becomes("h", STEP, &[]);
    bundle.says("# one more");
    failed(&bundle.on(&host, &[]).0, 5, "waits for a one-time step, see --list: fill");
}

/// A program's folder may be away for a while.
#[test]
fn a_step_is_described_as_long_as_its_line_is_there() {
    let table = "
where /opt/app step 1/1 fill keeps 'the tables are there'
born key /opt/app/key
";
    let bundle = Bundle::of(table, &[]);
    let host = start("h");
    host.run(&["mkdir", "-p", "/opt/app"]);
    for step in ["fill", "export"] {
        good(&bundle.on(&host, &["--mark-done", step]).0);
    }
    host.run(&["rmdir", "/opt/app"]);
    good(&bundle.on(&host, &[]).0);
    let marks = said(&host.run(&["ls", "/var/lib/clustergen/c/done"]));
    assert!(marks.contains("export") && marks.contains("fill"), "{marks}");
}

#[test]
fn a_step_that_fails_or_proves_nothing_leaves_no_mark() {
    let host = start("h");
    let fails = STEP.replace("echo ran >>/tmp/ran", "false");
    bad(&Bundle::of(&fails, &[]).on(&host, &["--bootstrap", "fill"]).0, "fill failed");
    let vain = STEP.replace("test -e /tmp/filled\n", "test -e /tmp/other\n");
    bad(&Bundle::of(&vain, &[]).on(&host, &["--bootstrap", "fill"]).0, "its proof does not hold");
    bad(&Bundle::of(STEP, &[]).on(&host, &["--bootstrap", "fil"]).0, "h has no step fil");
    assert!(!host.path("/var/lib/clustergen/c/done/fill").exists());
}

#[test]
fn what_a_step_needs_is_filled_in_for_it_and_gone_after() {
    let table = "
step 1/1 load keeps 'the tables are there'
}
run_load() {
    sh -ec 'stat -c \"%a %n\" \"$files\" \"$files/tables.sql\" >/tmp/modes; cat \"$files/tables.sql\" >/tmp/loaded'
}
proof_load() {
    grep -q secret /tmp/loaded
";
    let bundle = Bundle::of(table, &[("steps/load/tables.sql", "password CGSECRET_k\n")]);
    bundle.secret("CGSECRET_k", "a & \\1 secret");
    let host = start("h");
    good(&bundle.on(&host, &["--bootstrap", "load"]).0);
    assert_eq!(host.read("/tmp/loaded"), "password a & \\1 secret\n");
    let modes = host.read("/tmp/modes");
    assert!(
        modes.lines().all(|line| line.starts_with("700 ") || line.starts_with("600 ")),
        "{modes}"
    );
    let left = said(&host.run(&["grep", "-rl", "a & ", "/var/lib/clustergen", "/run", "/var/log"]));
    assert!(!left.contains("tables.sql"), "{left}");

    let other = start("h");
    fs::write(bundle.folder.path().join("steps/load/tables.sql"), "drop table items;\n").unwrap();
    bad(&bundle.on(&other, &["--bootstrap", "load"]).0, "the bundle is not as it was built");
}
