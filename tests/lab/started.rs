//! Services that start and die, and services that wait, under a real systemd: whether `apply.sh`
//! notices, and what it leaves.

use crate::built::{Built, said};
use crate::bundle::{Bundle, bad, failed, good};
use crate::cluster::Lab;
use crate::host::Host;
use crate::snapshot::Snapshot;

/// A service with these lines, and a file that goes with it.
fn app(lines: &[(&str, &str)]) -> String {
    let set: Vec<String> =
        lines.iter().map(|(name, value)| format!("set \"{name}\" \"{value}\"")).collect();
    format!(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "h" address="192.0.2.1"
file "/etc/app.conf" {{ on "h"; content "{}" }}
unit "app.service" {{
    on "h"
    section "Service" {{ {} }}
    section "Install" {{ set "WantedBy" "multi-user.target" }}
}}
"#,
        lines.len(),
        set.join("; ")
    )
}

/// Ways to die; each says so in its own time.
const DEADLY: [(&str, &[(&str, &str)]); 7] = [
    ("at once", &[("ExecStart", "/bin/false")]),
    ("as if it were done", &[("ExecStart", "/bin/true")]),
    ("before it is ready", &[("Type", "notify"), ("ExecStart", "/bin/sh -c 'exit 1'")]),
    ("before it forks", &[("Type", "forking"), ("ExecStart", "/bin/false"), ("TimeoutSec", "5s")]),
    ("again and again", &[("Restart", "always"), ("ExecStart", "/bin/false")]),
    // at any moment it is up
    (
        "and comes back at once",
        &[
            ("Restart", "always"),
            ("RestartSec", "1ms"),
            ("ExecStart", "/bin/sh -c 'sleep 0.2; exit 1'"),
        ],
    ),
    (
        "and comes back late",
        &[("Restart", "always"), ("RestartSec", "10s"), ("ExecStart", "/bin/false")],
    ),
];

/// What systemd has of the service; nothing of it is a unit that it does not know.
fn shown(host: &Host) -> String {
    let words = "LoadState,ActiveState,UnitFileState,ExecStart";
    let done = host.run(&["systemctl", "show", "-p", words, "app.service"]);
    let text = String::from_utf8(done.stdout).unwrap();
    let word = |line: &&str| !line.starts_with("ExecStart");
    let command = text.split_once("argv[]=").and_then(|(_, rest)| rest.split(" ;").next());
    text.lines().filter(word).chain(command).collect::<Vec<_>>().join(" ")
}

fn same(before: &Snapshot, after: &Snapshot, how: &str) {
    let ours = |it: &String| ["/etc", "/usr"].iter().any(|folder| it.starts_with(folder));
    let changes: Vec<String> = before.changes(after).into_iter().filter(ours).collect();
    assert!(changes.is_empty(), "{how}: {changes:?}");
}

#[test]
fn a_new_service_that_dies_is_taken_away_with_all_that_came_with_it() {
    let built = Built::of(&app(&[("ExecStart", "/bin/true")]));
    let lab = Lab::of(&built);
    let host = &lab["h"];
    let before = lab.snapshot("h");
    for (how, lines) in DEADLY {
        built.rebuild(&app(lines));
        let done = lab.apply("h");
        bad(&done, "putting back what was there");
        assert!(said(&done).contains("app.service"), "{how}: {}", said(&done));
        assert_eq!(shown(host), "LoadState=not-found ActiveState=inactive UnitFileState=", "{how}");
        let enabled = host.run(&["systemctl", "is-enabled", "app.service"]);
        assert!(!enabled.status.success(), "{how}: {}", said(&enabled));
        same(&before, &lab.snapshot("h"), how);
    }
}

#[test]
fn a_running_service_whose_new_unit_dies_runs_as_before() {
    let well = [("ExecStart", "/bin/sleep infinity")];
    let built = Built::of(&app(&well));
    let lab = Lab::of(&built);
    let host = &lab["h"];
    good(&lab.apply("h"));
    let runs = "LoadState=loaded ActiveState=active UnitFileState=enabled /bin/sleep infinity";
    assert_eq!(shown(host), runs);
    let before = lab.snapshot("h");
    for (how, lines) in DEADLY {
        built.rebuild(&app(lines));
        let done = lab.apply("h");
        bad(&done, "putting back what was there");
        assert!(said(&done).contains("app.service"), "{how}: {}", said(&done));
        assert_eq!(shown(host), runs, "{how}: {}", said(&done));
        same(&before, &lab.snapshot("h"), how);
    }
    built.rebuild(&app(&well));
    assert!(good(&lab.apply("h")).contains("nothing to change"));
}

const WAITS: &str = "
file 0644 root:root /etc/systemd/system/app.service restart app.service
need fill unit app.service
step 1/1 fill keeps 'the tables are there'
need fill verify 'the tables answer' 'test -e /srv/filled'
}
run_fill() {
    : >/srv/filled
}
proof_fill() {
    test -e /srv/filled
";

const NEEDS_TABLES: &str = "[Service]
ExecStart=/bin/sh -c 'test -e /srv/filled && exec sleep infinity'
[Install]
WantedBy=multi-user.target
";

#[test]
fn a_service_that_waits_for_a_step_is_installed_and_runs_when_the_step_is_done() {
    let built = Built::of(&app(&[("ExecStart", "/bin/sleep infinity")]));
    let lab = Lab::of(&built);
    let host = &lab["h"];
    let bundle = Bundle::of(WAITS, &[("files/etc/systemd/system/app.service", NEEDS_TABLES)]);
    let run = |args: &[&str]| bundle.on(host, args).0;
    let starts = "/bin/sh -c test -e /srv/filled && exec sleep infinity";
    failed(&run(&[]), 5, "waits for a one-time step, see --list: fill");
    let waits = format!("LoadState=loaded ActiveState=inactive UnitFileState=disabled {starts}");
    assert_eq!(shown(host), waits);
    failed(&run(&[]), 5, "h: nothing to change");
    good(&run(&["--check"]));
    // nor judged
    assert!(!good(&run(&["--verify"])).contains("ok"));
    assert_eq!(shown(host), waits);

    assert!(good(&run(&["--bootstrap", "fill"])).contains("fill: done"));
    failed(&run(&["--check"]), 2, "enable and start app.service");
    good(&run(&[]));
    let runs = format!("LoadState=loaded ActiveState=active UnitFileState=enabled {starts}");
    assert_eq!(shown(host), runs);
    let proven = good(&run(&["--verify"]));
    for word in ["ok    app.service is up", "ok    the tables answer"] {
        assert!(proven.contains(word), "{proven}");
    }
}
