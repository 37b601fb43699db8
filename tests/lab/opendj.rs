//! OpenDJ as it is brought up: real systemd, bundles as they are, steps in the runbook's order.
//!
//! OpenDJ is a stand-in, see [`opendj_server`](crate::opendj_server).

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use crate::built::{Built, said};
use crate::bundle::good;
use crate::cluster::Lab;
use crate::host::Host;
use crate::opendj_server::{CONTAINER, ENTER, bad, contain, set_up, standin};
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

const CONNECTORS: &str = "opendj-idp-connectors";

/// The same in containers, with another base.
fn contained() -> String {
    let more = format!(
        "container \"{CONTAINER}\" enter=\"{ENTER}\"; java \"/opt/jre\"; restart \"/opt/opendj/bin/again\"; }}\n"
    );
    PAIR.replace("o=gluu\"", "o=gluu\" \"o=site\"").trim_end().trim_end_matches('}').to_owned()
        + &more
}

/// The same with a third server.
fn three() -> String {
    PAIR.replace("secret ", "host \"n3\" address=\"10.77.0.13\"\nsecret ")
        .replace("\"n1\" \"n2\"\n", "\"n1\" \"n2\" \"n3\"\n")
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
    bad(&lab.ask(name, &["--bootstrap", step]), why);
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

/// Notes what everybody can see of all processes of a host: arguments and environments.
struct Watch {
    over: Arc<AtomicBool>,
    seen: JoinHandle<BTreeSet<String>>,
}

impl Watch {
    fn of(host: &Host) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (processes, end) = (host.path("/proc"), Arc::clone(&over));
        let seen = spawn(move || {
            let mut seen = BTreeSet::new();
            while !end.load(Ordering::Relaxed) {
                // a host that is gone has none
                for process in fs::read_dir(&processes).into_iter().flatten().flatten() {
                    let read = |name| fs::read(process.path().join(name)).unwrap_or_default();
                    let words = [read("cmdline"), read("environ")].concat();
                    seen.insert(String::from_utf8_lossy(&words).replace('\0', " "));
                }
                sleep(Duration::from_millis(20));
            }
            seen
        });
        Self { over, seen }
    }

    /// None of a host's secrets was among that.
    fn unseen(self, built: &Built, name: &str) {
        self.over.store(true, Ordering::Relaxed);
        let seen = self.seen.join().unwrap().into_iter().collect::<Vec<_>>().join("\n");
        assert!(seen.contains("--bindPasswordFile"), "the tools were seen at work");
        for (token, value) in built.secrets(name) {
            assert!(value.starts_with("-----") || !seen.contains(value.trim()), "{token} was seen");
        }
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
    let watches = ["n1", "n2"].map(|name| {
        set_up(&lab[name], "", &password);
        (name, Watch::of(&lab[name]))
    });
    good(&standin(&lab["n1"], "", &["add", "o=gluu", "three"]));

    // too early, on another host
    refused(&lab, "n1", "opendj-idp-enable-n2-o-gluu", &format!("comes after {CONNECTORS}"));
    refused(
        &lab,
        "n2",
        "opendj-idp-enable-n2-o-gluu",
        "n2 has no step opendj-idp-enable-n2-o-gluu",
    );
    assert!(step(&lab, "n1", CONNECTORS).contains("done"));
    refused(
        &lab,
        "n1",
        "opendj-idp-enable-n2-o-gluu",
        "n2 does not answer on 10.77.0.12, port 4444, with a certificate of its own",
    );
    refused(
        &lab,
        "n1",
        "opendj-idp-initialize-n2-o-gluu",
        "comes after opendj-idp-enable-n2-o-gluu",
    );
    step(&lab, "n2", CONNECTORS);
    refused(&lab, "n2", "opendj-idp-data-o-gluu", "but its proof does not hold");
    step(&lab, "n1", "opendj-idp-enable-n2-o-gluu");
    refused(&lab, "n2", "opendj-idp-data-o-gluu", "n2 holds other data of o=gluu than n1");
    assert!(!holds(&lab["n2"], "three"));
    step(&lab, "n1", "opendj-idp-initialize-n2-o-gluu");
    assert!(holds(&lab["n2"], "three"), "the first one's data");
    step(&lab, "n2", "opendj-idp-data-o-gluu");
    for name in ["n1", "n2"] {
        nothing_is_left_to_do(&lab, name);
        all_is_well(&lab, name, if name == "n1" { 5 } else { 4 });
    }
    // what others own keeps its owner
    let stat = [
        "stat",
        "-c",
        "%a %U",
        "/opt/opendj/config/keystore",
        "/opt/opendj/config/admin-truststore",
    ];
    assert!(good(&lab["n1"].run(&stat)).contains("640 mail\n644 root\n"));

    // who is away misses what comes meanwhile, and has it when it is back
    good(&lab["n2"].run(&["systemctl", "stop", "opendj"]));
    good(&standin(&lab["n1"], "", &["add", "o=gluu", "four"]));
    assert_eq!(proofs(&lab, "n1").iter().filter(|it| it.starts_with("FAIL")).count(), 2);
    good(&lab["n2"].run(&["systemctl", "start", "opendj"]));
    eventually("the change has come", || holds(&lab["n2"], "four").then_some(()));
    good(&standin(&lab["n2"], "", &["add", "o=gluu", "five"]));
    eventually("the other way round", || holds(&lab["n1"], "five").then_some(()));

    a_third_joins(&built, &lab, &password);
    a_new_certificate_is_shown(&built, &lab);
    a_store_that_somebody_changed_is_put_right(&lab);
    the_third_leaves(&built, &lab);
    for (name, watch) in watches {
        watch.unseen(&built, name);
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
    assert!(writes.is_empty(), "{name}: {writes:#?}");
    ends(&lab.ask(name, &["--check"]), 0);
}

/// One word more in the description: the pair goes on, and what was done is not done again.
fn a_third_joins(built: &Built, lab: &Lab, password: &str) {
    built.rebuild(&three());
    set_up(&lab["n3"], "", password);
    ends(&lab.apply("n3"), 5);
    step(lab, "n3", CONNECTORS);
    for name in ["n1", "n2"] {
        lab["n1"].run(&["rm", "-f", "/opt/opendj/called"]);
        ends(&lab.apply(name), if name == "n1" { 5 } else { 0 });
        assert!(!said(&lab["n1"].run(&["cat", "/opt/opendj/called"])).contains("enable"));
    }
    step(lab, "n1", "opendj-idp-enable-n3-o-gluu");
    step(lab, "n1", "opendj-idp-initialize-n3-o-gluu");
    step(lab, "n3", "opendj-idp-data-o-gluu");
    assert!(step(lab, "n1", "opendj-idp-initialize-n2-o-gluu").contains("was done 20"));
    for name in ["n1", "n2", "n3"] {
        ends(&lab.ask(name, &[]), 0);
    }
    good(&standin(&lab["n3"], "", &["add", "o=gluu", "six"]));
    for name in ["n1", "n2"] {
        eventually("from the third", || holds(&lab[name], "six").then_some(()));
    }
    all_is_well(lab, "n1", 7);
    all_is_well(lab, "n3", 5);
}

/// As the runbook has it: before it is taken out of the description.
fn the_third_leaves(built: &Built, lab: &Lab) {
    good(&lab["n3"].run(&["/var/lib/clustergen/people/opendj/idp/opendj", "retire"]));
    built.rebuild(PAIR);
    for (name, count) in [("n1", 5), ("n2", 4)] {
        lab.bring(name);
        // it is what was there before the third came
        ends(&lab.ask(name, &["--older"]), 0);
        all_is_well(lab, name, count);
        assert!(!holds(&lab[name], "10.77.0.13:4444"));
    }
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
        let shown = lab["n1"].run(&["sh", "-c", shown]).stdout;
        let shown = String::from_utf8_lossy(&shown);
        (!shown.is_empty() && lab["n2"].read(cert).starts_with(shown.trim())).then_some(())
    });
    all_is_well(lab, "n2", 5);
}

/// Java is not asked for what is as it was, and sees what is not.
fn a_store_that_somebody_changed_is_put_right(lab: &Lab) {
    let host = &lab["n2"];
    let java = "#!/bin/sh\necho \"$1\" >>/tmp/java\nexec /usr/bin/keytool \"$@\"\n";
    host.program("/usr/local/sbin/keytool", java);
    ends(&lab.ask("n2", &["--check"]), 0);
    assert!(!host.path("/tmp/java").exists(), "{}", host.read("/tmp/java"));
    let config = "/opt/opendj/config";
    let forget = format!(
        "keytool -delete -alias cluster-ca -keystore {config}/truststore -storepass:file {config}/keystore.pin"
    );
    good(&host.run(&["sh", "-c", &forget]));
    let differs = ends(&lab.ask("n2", &["--check"]), 2);
    assert!(differs.contains("this host shows its certificate"), "{differs}");
    ends(&lab.ask("n2", &[]), 0);
    fs::remove_file(host.path("/tmp/java")).unwrap();
    ends(&lab.ask("n2", &["--check"]), 0);
    assert!(!host.path("/tmp/java").exists(), "{}", host.read("/tmp/java"));
}

/// In the runbook's order.
fn brought_up(lab: &Lab, bases: &[&str]) {
    for name in ["n1", "n2"] {
        step(lab, name, CONNECTORS);
    }
    for base in bases {
        step(lab, "n1", &format!("opendj-idp-enable-n2-{base}"));
        step(lab, "n1", &format!("opendj-idp-initialize-n2-{base}"));
        step(lab, "n2", &format!("opendj-idp-data-{base}"));
    }
    for name in ["n1", "n2"] {
        ends(&lab.ask(name, &[]), 0);
    }
}

#[test]
fn servers_in_containers_replicate() {
    let built = Built::of(&contained());
    let lab = Lab::of(&built);
    for name in ["n1", "n2"] {
        contain(&lab[name]);
        set_up(&lab[name], CONTAINER, &manager(&built));
        ends(&lab.apply(name), 5);
    }
    good(&standin(&lab["n2"], CONTAINER, &["add", "o=gluu", "more"]));
    good(&standin(&lab["n2"], CONTAINER, &["add", "o=gluu", "even more"]));
    for name in ["n1", "n2"] {
        step(&lab, name, CONNECTORS);
    }
    step(&lab, "n1", "opendj-idp-enable-n2-o-gluu");
    let why = "n2 has 4 entries of o=gluu, and n1 only 2: see first whose data is right";
    refused(&lab, "n1", "opendj-idp-initialize-n2-o-gluu", why);
    for entry in ["a", "b"] {
        good(&standin(&lab["n1"], CONTAINER, &["add", "o=gluu", entry]));
    }
    brought_up(&lab, &["o-gluu", "o-site"]);
    for name in ["n1", "n2"] {
        all_is_well(&lab, name, if name == "n1" { 7 } else { 5 });
        let left = lab[name].run(&["ls", "-A", &format!("{CONTAINER}/root")]);
        assert!(left.stdout.is_empty(), "{}", said(&left));
    }
}

#[test]
fn a_vendor_s_certificates_can_stay() {
    let built =
        Built::of(&PAIR.replace("    password", "    keep-vendor-certificates\n    password"));
    let lab = Lab::of(&built);
    for name in ["n1", "n2"] {
        set_up(&lab[name], "", &manager(&built));
        ends(&lab.apply(name), 5);
    }
    let stores = ["sha256sum", "/opt/opendj/config/keystore", "/opt/opendj/config/admin-keystore"];
    let before = good(&lab["n1"].run(&stores));
    brought_up(&lab, &["o-gluu"]);
    for name in ["n1", "n2"] {
        all_is_well(&lab, name, if name == "n1" { 4 } else { 3 });
    }
    assert_eq!(good(&lab["n1"].run(&stores)), before);
    // without what the guide has Java do, the name would be asked for
    let status = "status -n -X -h 10.77.0.11 -p 4444 -I admin -s -j /tmp/admin";
    bad(&by_hand(&lab, "", status), "no name matching 10.77.0.11 found");
    let believing =
        "OPENDJ_JAVA_ARGS=-Dcom.sun.jndi.ldap.object.disableEndpointIdentification=true";
    good(&by_hand(&lab, believing, status));
    bad(&by_hand(&lab, believing, ENABLE), "already replicated between the two servers");
    let other = ENABLE.replace("o=gluu", "o=other");
    bad(
        &by_hand(&lab, believing, &other),
        "could not be found in at least one of the servers: o=other",
    );
    let itself = ENABLE.replace("10.77.0.12", "10.77.0.11");
    bad(&by_hand(&lab, believing, &itself), "two different servers");
    let ends = "initialize -n -X -I admin -j /tmp/admin -b o=site --hostSource 10.77.0.11";
    let ends = format!("{ends} --portSource 4444 --portDestination 4444 --hostDestination");
    bad(&by_hand(&lab, believing, &format!("{ends} 10.77.0.12")), "cannot be initialized: o=site");
    bad(&by_hand(&lab, believing, &format!("{ends} 10.77.0.11")), "two different servers");
    bad(
        &by_hand(&lab, believing, &format!("{ends} 10.77.0.13")),
        "unable to connect to 10.77.0.13:4444",
    );
}

const ENABLE: &str = "enable -n -X -I admin -j /tmp/admin -b o=gluu --port1 4444 --port2 4444 \
    --host1 10.77.0.11 --bindPasswordFile1 /tmp/manager --bindDN1 'cn=directory manager' \
    --host2 10.77.0.12 --bindPasswordFile2 /tmp/manager --bindDN2 'cn=directory manager'";

/// `dsreplication` as a person calls it on the first server.
fn by_hand(lab: &Lab, java: &str, words: &str) -> Output {
    let place = "umask 077; cp /var/lib/clustergen/people/opendj/idp/admin-password /tmp/admin; \
        cp /root/clustergen/secrets/*_manager_* /tmp/manager";
    lab["n1"].run(&["sh", "-c", &format!("{place}; {java} /opt/opendj/bin/dsreplication {words}")])
}
