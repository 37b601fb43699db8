//! Traces of a run: the log, where something changes, and nothing at all where nothing does.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::apply::SHELLS;
use crate::built::said;
use crate::bundle::{Bundle, bad, failed, good, host_with_units, root_with};
use crate::host::Host;
use crate::scripts::mode;
use crate::snapshot::Snapshot;

const LOG: &str = "/var/log/clustergen.log";
const TABLE: &str = "file 0644 root:root /etc/a reload a.service
unit a.service
step 1/1 fill keeps 'the tables are there'
}
run_fill() {
    : >/etc/filled
}
proof_fill() {
    test -e /etc/filled";

fn bundle(text: &str) -> Bundle {
    Bundle::of(TABLE, &[("files/etc/a", text)])
}

/// What was added to the log, without the times.
fn added(host: &Host, before: &str) -> Vec<String> {
    let log = host.read(LOG);
    let lines = log.strip_prefix(before).expect("nothing of a log goes").lines();
    let stamped = |line: &str| {
        let (time, rest) = line.split_once(' ').unwrap();
        let digits = time.replace(|c: char| c.is_ascii_digit(), "0");
        assert_eq!(digits, "0000-00-00T00:00:00Z", "{line}");
        rest.strip_prefix("c h: ").unwrap().to_owned()
    };
    lines.map(stamped).collect()
}

#[test]
fn whatever_changes_something_says_when_and_what_in_the_log() {
    for shell in SHELLS {
        let host = host_with_units(&[]);
        let mut log = String::new();
        let mut run = |bundle: &Bundle, args: &[&str]| {
            let done = bundle.on_with(shell, &host, args).0;
            let lines = added(&host, &log);
            log = host.read(LOG);
            (done, lines)
        };
        let (first, second) = (bundle("1\n"), bundle("2\n"));
        assert_eq!(run(&first, &[]).1, ["apply.sh: 2 to change", "h: 2 changed"]);
        assert_eq!(mode(&host.path(LOG)), "0600");
        let wanted = ["1/1 fill: the tables are there", "fill: done"];
        assert_eq!(run(&first, &["--bootstrap", "fill"]).1, wanted);
        assert_eq!(run(&first, &["--mark-done", "fill"]).1, ["fill: done"]);
        assert_eq!(run(&second, &[]).1, ["apply.sh: 1 to change", "h: 1 changed"]);
        let back = ["apply.sh --rollback: 1 to change", "h: 1 changed"];
        assert_eq!(run(&second, &["--rollback"]).1, back);

        host.program("/tmp/at-reload-or-restart", "#!/bin/sh\nrm -f $0; exit 1\n");
        let (done, lines) = run(&second, &[]);
        bad(&done, "a.service could not reload");
        let wanted =
            ["apply.sh: 1 to change", "a.service could not reload", "putting back what was there"];
        assert_eq!(lines, wanted);
        host.program("/tmp/at-reload-or-restart", "#!/bin/sh\nrm -f $0; kill -9 $1\n");
        assert_eq!(run(&second, &[]).1, ["apply.sh: 1 to change"]);
        let wanted = [
            "an earlier run was interrupted",
            "putting back what was there",
            "apply.sh: 1 to change",
            "h: 1 changed",
        ];
        assert_eq!(run(&second, &[]).1, wanted);
        let away = ["apply.sh --uninstall: 2 to change", "h: 2 changed"];
        assert_eq!(run(&second, &["--uninstall"]).1, away);
    }
}

#[test]
fn a_run_that_changes_nothing_writes_nothing_not_even_into_the_log() {
    for shell in SHELLS {
        let host = host_with_units(&[]);
        let old = bundle("1\n");
        good(&old.on_with(shell, &host, &[]).0);
        let current = bundle("2\n");
        good(&current.on_with(shell, &host, &[]).0);
        let state = || fs::metadata(host.path("/var/lib/clustergen")).unwrap().mtime_nsec();
        let (before, changed) = (Snapshot::of(&host.upper()), state());
        for (bundle, args, code) in [
            (&current, &[][..], 0),
            (&current, &["--dry-run"], 0),
            (&current, &["--check"], 0),
            (&current, &["--verify"], 0),
            (&current, &["--list"], 0),
            (&current, &["--json"], 0),
            (&current, &["--install-packages"], 0),
            (&current, &["--rollback", "--dry-run"], 0),
            (&current, &["--uninstall", "--dry-run"], 0),
            (&current, &["--bootstrap", "unknown"], 1),
            (&current, &["--i-am", "somebody"], 1),
            (&old, &[], 1),
            (&old, &["--check"], 2),
        ] {
            failed(&bundle.on_with(shell, &host, args).0, code, "");
            let writes = before.writes(&Snapshot::of(&host.upper()));
            assert!(writes.is_empty(), "{shell:?} {args:?}: {writes:#?}");
            assert_eq!(changed, state(), "{shell:?} {args:?}");
            let scraps = said(&host.run(&["sh", "-c", "ls -d /run/clustergen* /tmp/clustergen*"]));
            assert!(scraps.contains("cannot access '/run/clustergen*'"), "{args:?}: {scraps}");
            assert!(scraps.contains("cannot access '/tmp/clustergen*'"), "{args:?}: {scraps}");
        }
    }
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing_and_a_trial_below_a_folder_has_none() {
    for shell in SHELLS {
        let host = host_with_units(&[]);
        fs::create_dir(host.path(LOG)).unwrap();
        let done = bundle("1\n").on_with(shell, &host, &[]).0;
        assert!(
            good(&done).ends_with("h: 2 changed\n") && done.stderr.is_empty(),
            "{}",
            said(&done)
        );
        let (root, _) = root_with("var/log/x", "");
        good(&bundle("1\n").apply_with(shell[0], &shell[1..], root.path(), &[]));
        assert_eq!(fs::read_dir(root.path().join("var/log")).unwrap().count(), 1);
    }
}
