//! OpenDJ as it is brought up: real systemd, bundles as they are, steps in the runbook's order.
//!
//! What stands in for OpenDJ, which no distribution has: `opendj/standin.py`, a server and its tools,
//! which take nothing but what `opendj/options.kdl` has of a cited version's sources.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::built::{Built, said};
use crate::bundle::good;
use crate::cluster::Lab;
use crate::host::Host;
use crate::units::eventually;

const PAIR: &str = r#"
cluster "people" domain="example.org" platform="debian-12"
host "n1" address="10.77.0.11"
host "n2" address="10.77.0.12"
secret "manager" { generate; }
opendj "idp" {
    servers "n1" "n2"
    base "o=gluu"
    password (secret)"manager"
}
"#;

const HOME: &str = "/opt/opendj";
const TOOLS: [&str; 3] = ["dsconfig", "dsreplication", "ldapsearch"];
const CONNECTORS: &str = "opendj-idp-connectors";

/// The same with a third server.
fn three() -> String {
    PAIR.replace("secret ", "host \"n3\" address=\"10.77.0.13\"\nsecret ")
        .replace("\"n1\" \"n2\"\n", "\"n1\" \"n2\" \"n3\"\n")
}

/// Puts the programs of OpenDJ on a host, below `root`.
fn unpack(host: &Host, root: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/opendj");
    for file in ["standin.py", "options.kdl"] {
        host.write(&format!("{root}{HOME}/{file}"), &fs::read_to_string(from.join(file)).unwrap());
    }
    for tool in TOOLS {
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"{tool} $*\" >>{HOME}/called\nexec python3 {HOME}/standin.py {tool} \"$@\"\n"
        );
        host.program(&format!("{root}{HOME}/bin/{tool}"), &text);
    }
}

fn standin(host: &Host, words: &[&str]) -> Output {
    host.run(&[&["python3", "/opt/opendj/standin.py"], words].concat())
}

/// What the vendor's installer does: each server has stores and data of its own. The stores are
/// another user's.
fn set_up(host: &Host, password: &str) {
    unpack(host, "");
    good(&standin(host, &["setup", password]));
    good(&host.run(&[
        "sh",
        "-c",
        "chown mail:mail /opt/opendj/config/*keystore && chmod 640 /opt/opendj/config/keystore",
    ]));
    let unit = "[Service]\nType=exec\nExecStart=python3 /opt/opendj/standin.py serve\n[Install]\nWantedBy=multi-user.target\n";
    host.write("/etc/systemd/system/opendj.service", unit);
    good(&host.run(&["systemctl", "daemon-reload"]));
    good(&host.run(&["systemctl", "enable", "-q", "--now", "opendj.service"]));
    eventually("OpenDJ listens", || {
        said(&host.run(&["ss", "-Hltn", "sport = :4444"])).contains("4444").then_some(())
    });
}

fn manager(built: &Built) -> String {
    let secrets = built.secrets("n1");
    secrets.iter().find(|(token, _)| token.contains("_manager_")).unwrap().1.clone()
}

/// `apply.sh` that ends as it should, and what it said.
fn ends(done: &Output, code: i32) -> String {
    assert_eq!(done.status.code(), Some(code), "{}", said(done));
    said(done)
}

fn step(lab: &Lab, name: &str, step: &str) -> String {
    ends(&lab.ask(name, &["--bootstrap", step]), 0)
}

fn refused(lab: &Lab, name: &str, step: &str, why: &str) {
    let done = lab.ask(name, &["--bootstrap", step]);
    assert!(!done.status.success() && said(&done).contains(why), "no {why} in {}", said(&done));
}

/// What `--verify` says of OpenDJ.
fn proofs(lab: &Lab, name: &str) -> Vec<String> {
    let done = lab.ask(name, &["--verify"]).stdout;
    let all = String::from_utf8_lossy(&done);
    all.lines().filter(|line| line.contains("opendj `idp`")).map(str::to_owned).collect()
}

fn all_is_well(lab: &Lab, name: &str, count: usize) {
    let proofs = proofs(lab, name);
    let well = proofs.iter().all(|it| it.starts_with("ok "));
    assert!(proofs.len() == count && well, "{name}: {proofs:#?}");
}

fn holds(host: &Host, entry: &str) -> bool {
    host.read("/opt/opendj/db/state.json").contains(&format!("\"{entry}\""))
}

/// Writes down what everybody can see of all processes, until the host ends.
fn watch(host: &Host) {
    let script = "while :; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' ' >>/tmp/seen; sleep 0.05; done";
    host.daemon(&["sh", "-c", script]);
}

fn unseen(lab: &Lab, name: &str, built: &Built) {
    let seen = lab[name].run(&["cat", "/tmp/seen"]).stdout;
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.contains("--bindPasswordFile"), "the tools were seen at work");
    for (token, value) in built.secrets(name) {
        assert!(value.starts_with("-----") || !seen.contains(value.trim()), "{token} was seen");
    }
}

#[test]
fn servers_come_up_in_order_and_a_third_joins() {
    let built = Built::of(PAIR);
    let lab = Lab::with(&built, &[("n3", &["10.77.0.13"])]);
    let password = manager(&built);
    for name in ["n1", "n2"] {
        assert!(ends(&lab.apply(name), 5).contains(CONNECTORS));
    }
    refused(&lab, "n1", CONNECTORS, "OpenDJ is not in /opt/opendj: set it up first");
    for name in ["n1", "n2"] {
        set_up(&lab[name], &password);
        watch(&lab[name]);
    }
    good(&standin(&lab["n1"], &["add", "o=gluu", "three"]));

    // too early, on another host
    refused(&lab, "n1", "opendj-idp-enable-n2", &format!("comes after {CONNECTORS}"));
    refused(&lab, "n2", "opendj-idp-enable-n2", "n2 has no step opendj-idp-enable-n2");
    assert!(step(&lab, "n1", CONNECTORS).contains("done"));
    refused(
        &lab,
        "n1",
        "opendj-idp-enable-n2",
        "n2 does not answer on 10.77.0.12, port 4444, with a certificate of its own",
    );
    refused(&lab, "n1", "opendj-idp-initialize-n2", "comes after opendj-idp-enable-n2");
    step(&lab, "n2", CONNECTORS);
    refused(&lab, "n2", "opendj-idp-data", "but its proof does not hold");
    step(&lab, "n1", "opendj-idp-enable-n2");
    refused(&lab, "n2", "opendj-idp-data", "n2 holds other data of o=gluu than n1");
    assert!(!holds(&lab["n2"], "three"));
    step(&lab, "n1", "opendj-idp-initialize-n2");
    assert!(holds(&lab["n2"], "three"), "the first one's data");
    step(&lab, "n2", "opendj-idp-data");
    for name in ["n1", "n2"] {
        nothing_is_left_to_do(&lab, name);
        all_is_well(&lab, name, 4);
    }
    // what others own keeps its owner
    let stat = [
        "stat",
        "-c",
        "%a %U",
        "/opt/opendj/config/keystore",
        "/opt/opendj/config/admin-truststore",
    ];
    assert_eq!(good(&lab["n1"].run(&stat)), "640 mail\n600 root\n");

    // who is away misses what comes meanwhile, and has it when it is back
    good(&lab["n2"].run(&["systemctl", "stop", "opendj"]));
    good(&standin(&lab["n1"], &["add", "o=gluu", "four"]));
    assert_eq!(proofs(&lab, "n1").iter().filter(|it| it.starts_with("FAIL")).count(), 2);
    good(&lab["n2"].run(&["systemctl", "start", "opendj"]));
    eventually("the change has come", || holds(&lab["n2"], "four").then_some(()));
    good(&standin(&lab["n2"], &["add", "o=gluu", "five"]));
    eventually("the other way round", || holds(&lab["n1"], "five").then_some(()));

    a_third_joins(&built, &lab, &password);
    a_new_certificate_is_shown(&built, &lab);
    for name in ["n1", "n2"] {
        unseen(&lab, name, &built);
        assert_eq!(
            good(&lab[name].run(&["sh", "-c", "ls -d /run/clustergen-opendj.* 2>&1 || :"]))
                .lines()
                .count(),
            1
        );
    }
}

fn nothing_is_left_to_do(lab: &Lab, name: &str) {
    ends(&lab.ask(name, &[]), 0);
    let before = lab.snapshot(name);
    assert!(ends(&lab.ask(name, &[]), 0).contains("nothing to change"));
    let writes = before.writes(&lab.snapshot(name));
    let writes: Vec<_> =
        writes.iter().filter(|it| !format!("{it:?}").contains("/tmp/seen")).collect();
    assert!(writes.is_empty(), "{name}: {writes:#?}");
    ends(&lab.ask(name, &["--check"]), 0);
}

/// One word more in the description: the pair goes on, and what was done is not done again.
fn a_third_joins(built: &Built, lab: &Lab, password: &str) {
    built.rebuild(&three());
    set_up(&lab["n3"], password);
    ends(&lab.apply("n3"), 5);
    step(lab, "n3", CONNECTORS);
    for name in ["n1", "n2"] {
        lab["n1"].run(&["rm", "-f", "/opt/opendj/called"]);
        ends(&lab.apply(name), if name == "n1" { 5 } else { 0 });
        assert!(!said(&lab["n1"].run(&["cat", "/opt/opendj/called"])).contains("enable"));
    }
    step(lab, "n1", "opendj-idp-enable-n3");
    step(lab, "n1", "opendj-idp-initialize-n3");
    step(lab, "n3", "opendj-idp-data");
    assert!(step(lab, "n1", "opendj-idp-initialize-n2").contains("was done 20"));
    for name in ["n1", "n2", "n3"] {
        ends(&lab.ask(name, &[]), 0);
    }
    good(&standin(&lab["n3"], &["add", "o=gluu", "six"]));
    for name in ["n1", "n2"] {
        eventually("from the third", || holds(&lab[name], "six").then_some(()));
    }
    all_is_well(lab, "n1", 6);
    all_is_well(lab, "n3", 5);
}

/// A renewed one goes into the stores, and OpenDJ shows it.
fn a_new_certificate_is_shown(built: &Built, lab: &Lab) {
    let cert = "/var/lib/clustergen/people/opendj/idp/cert.pem";
    let before = lab["n2"].read(cert);
    built.renewed(&["n2/opendj"]);
    ends(&lab.apply("n2"), 0);
    assert_ne!(lab["n2"].read(cert), before);
    let shown = "openssl s_client -connect 10.77.0.12:1636 </dev/null 2>/dev/null | openssl x509";
    eventually("the new one is shown", || {
        let shown = good(&lab["n1"].run(&["sh", "-c", shown]));
        lab["n2"].read(cert).starts_with(shown.trim()).then_some(())
    });
    all_is_well(lab, "n2", 5);
}
