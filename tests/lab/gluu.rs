//! The Gluu example as it is brought up: real systemd, bundles as they are, the runbook's order.
//!
//! What the test stands in for: the Gluu container, by a tree of its folders and a web server with
//! the bundle's certificate, and `timedatectl`, which no host can make true that sets no clock.

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value;

use crate::built::{Built, examples, said};
use crate::bundle::good;
use crate::cluster::Lab;
use crate::host::Host;
use crate::load::{Answers, Load, serve};
use crate::opendj_server;
use crate::runbook::{follow, lines};
use crate::units::eventually;
use crate::vendor::{self, CONTAINER};

const CLIENT: (&str, &[&str]) = ("client", &["203.0.113.9"]);

/// The example on the platform that the lab is.
fn built() -> Built {
    let kdl = std::fs::read_to_string(examples().join("gluu-4.kdl")).unwrap();
    Built::of(&kdl.replace("ubuntu-18.04", "debian-12"))
}

/// The container's web server, with the certificate that the bundle brought.
fn web_server(host: &Host) {
    let certs = format!("{CONTAINER}/etc/certs");
    serve(host, &format!("{certs}/httpd.crt"), &format!("{certs}/httpd.key"));
}

/// `apply.sh` that ends as it should, and what it said.
fn ends(done: &Output, code: i32) -> String {
    assert_eq!(done.status.code(), Some(code), "{}", said(done));
    said(done)
}

/// Runs the line of the crontab as cron does, with what the table sets and no more.
fn cron(host: &Host) -> Output {
    let table = host.read("/etc/cron.d/clustergen-csync2");
    let sets = table.lines().filter(|line| line.starts_with(|it: char| it.is_ascii_uppercase()));
    let line = table.lines().last().unwrap();
    let command = line.split_once(" root ").expect("a line of root's").1.replace("\\%", "%");
    let words = ["env", "-i"].into_iter().chain(sets).chain(["/bin/sh", "-c", &command]);
    host.run(&words.collect::<Vec<_>>())
}

/// Every line of the chapter as it stands; between them, what a person does by Gluu's own guide.
fn brought_up<'a>(built: &'a Built, others: &[(&str, &[&str])]) -> Lab<'a> {
    let lab = Lab::with(built, others);
    for line in lines(built, "Bring-up") {
        if line.contains("--bootstrap idp-installed") {
            vendor::installed(&lab["node1"]);
            vendor::serves(&lab["node1"]);
            vendor::set_up(&lab["node1"]);
        }
        if let Some(rest) = line.strip_suffix(" clustergen/apply.sh --bootstrap idp-setup") {
            let host = &lab[&lab.at(rest.trim_start_matches("ssh root@"))];
            vendor::installed(host);
            vendor::serves(host);
        }
        let done = follow(built, &lab, &line, vendor::PASSWORD);
        let waits = done.status.code() == Some(5) && line.contains("apply.sh");
        assert!(done.status.success() || waits, "{line}: {}", said(&done));
    }
    lab
}

#[test]
fn the_runbook_brings_it_up_line_by_line_and_the_nodes_stay_alike() {
    let built = built();
    let mut lab = brought_up(&built, &[CLIENT]);
    let nodes = ["node1", "node2"];
    for name in nodes {
        let units = ["cron.service", "csync2.socket", "gluu-apache.service"];
        good(&lab[name].run(&[&["systemctl", "is-active"], &units[..]].concat()));
        good(&lab[name].run(&[&["systemctl", "is-enabled"], &units[..]].concat()));
        web_server(&lab[name]);
    }
    what_was_made_on_the_first_node_is_on_the_second(&lab);
    gluu_knows_its_cluster(&built, &lab);
    files_are_carried(&lab);
    a_stranger_gets_no_answer(&lab);
    for name in built.hosts() {
        nothing_is_left_to_do(&lab, &name);
    }
    // a boot changes nothing of that
    for name in ["node2", "loadbalancer"] {
        lab.off(name);
        lab.on(name);
        if nodes.contains(&name) {
            // what it writes when it starts is its own
            opendj_server::listens_on(&lab[name], "1636");
        }
        nothing_is_left_to_do(&lab, name);
    }
}

/// Answers and certificates, but for the address and each node's own pair; who reads them was told.
fn what_was_made_on_the_first_node_is_on_the_second(lab: &Lab) {
    let [first, second] = ["node1", "node2"].map(|name| vendor::answers(&lab[name]));
    assert_eq!(second, first.replace("ip=159.203.126.10", "ip=138.197.65.243"));
    let certs = format!("{CONTAINER}/etc/certs");
    let sums = |host: &Host| {
        let sum = format!("cd {certs} && sha256sum oxauth-keys.jks scim-rs.jks passport/rp.jks");
        good(&host.run(&["sh", "-c", &sum]))
    };
    assert_eq!(sums(&lab["node1"]), sums(&lab["node2"]));
    let own = ["httpd.crt", "httpd.key", "opendj.pkcs12"].map(|name| format!("{certs}/{name}"));
    for path in &own {
        let bytes = |name: &str| std::fs::read(lab[name].path(path)).unwrap();
        assert_ne!(bytes("node1"), bytes("node2"), "{path}");
    }
    let ids = format!("cd {certs} && stat -c '%u:%g %n' oxauth-keys.jks scim-rs.jks");
    let ids = good(&lab["node2"].run(&["sh", "-c", &ids]));
    assert!(ids.contains("901:901 oxauth-keys.jks\n0:902 scim-rs.jks"), "{ids}");
    // those alone that read what is new
    let units = ["reload apache2", "restart identity", "restart opendj", "restart oxauth"];
    for name in ["node1", "node2"] {
        let asked: BTreeSet<String> = vendor::asked(&lab[name]).into_iter().collect();
        assert!(asked.iter().eq(units.iter()), "{name}: {asked:?}");
    }
}

/// By any node's directory, with the password as Gluu's own program encodes it; what a person set beside
/// it stays.
fn gluu_knows_its_cluster(built: &Built, lab: &Lab) {
    let redis = built.secrets("redis");
    let password = redis.iter().find(|(token, _)| token.contains("idp_cache_")).unwrap().1;
    for name in ["node1", "node2"] {
        let found = vendor::configuration(&lab[name]);
        let one = |name: &str, at: usize| -> Value {
            serde_json::from_str(found[name][at].as_str().unwrap()).unwrap()
        };
        let cache = one("oxCacheConfiguration", 0);
        assert_eq!(cache["cacheProviderType"], "REDIS");
        assert_eq!(cache["inMemoryConfiguration"]["defaultPutExpiration"], 60);
        let to = &cache["redisConfiguration"];
        assert_eq!(
            (&to["servers"], &to["defaultPutExpiration"]),
            (&"localhost:16379".into(), &77.into())
        );
        let decode =
            ["gluu-run", "/opt/gluu/bin/encode.py", "-D", to["password"].as_str().unwrap()];
        let plain = format!("[exit status: 0] {}", password.trim_matches('"'));
        assert_eq!(good(&lab[name].run(&decode)).trim(), plain, "on {name}");
        let servers = one("oxIDPAuthentication", 0)["config"].clone();
        let all = ["localhost:1636", "159.203.126.10:1636", "138.197.65.243:1636"];
        assert_eq!(
            (&servers["servers"], &servers["bindDN"]),
            (&all.as_slice().into(), &"kept".into())
        );
        assert_eq!(one("oxIDPAuthentication", 1)["config"]["servers"][0], "ad.example.org:636");
    }
}

/// Over TLS: each knows the other by its certificate.
fn files_are_carried(lab: &Lab) {
    let folder = format!("{CONTAINER}/opt/shibboleth-idp/metadata");
    let (new, hidden) = (format!("{folder}/a b.xml"), format!("{folder}/.lock"));
    let salt = format!("{CONTAINER}/etc/gluu/conf/salt");
    lab["node1"].write(&new, "<new/>\n");
    lab["node1"].write(&hidden, "");
    let own = lab["node2"].read(&salt);
    lab["node1"].write(&salt, "encodeSalt = node1's\n");
    good(&cron(&lab["node1"]));
    assert_eq!(lab["node2"].read(&new), "<new/>\n");
    assert!(!lab["node2"].path(&hidden).exists(), "its name is excluded");
    assert_eq!(lab["node2"].read(&salt), own, "its path is excluded");
    for (name, peer) in [("node1", "node2"), ("node2", "node1")] {
        let known =
            ["sqlite3", &format!("/var/lib/csync2/{name}.db3"), "select peername from x509_cert"];
        assert_eq!(lab[name].run(&known).stdout, format!("{peer}\n").as_bytes());
    }
    let cron = good(&lab["node1"].run(&["journalctl", "--no-pager", "-u", "cron.service"]));
    for word in ["rror", "bad", "WRONG", "INSECURE", "grandchild"] {
        assert!(!cron.contains(word), "cron has something to say of its table: {cron}");
    }
}

/// The socket is for peers alone: not even a handshake.
fn a_stranger_gets_no_answer(lab: &Lab) {
    let knock = "import socket, sys; socket.create_connection((sys.argv[1], 30865), 2)";
    let node = "159.203.126.10";
    good(&lab["node2"].run(&["python3", "-c", knock, node]));
    let done = lab["client"].run(&["python3", "-c", knock, node]);
    assert!(said(&done).contains("TimeoutError"), "{}", said(&done));
}

/// Files, links, owners and modes are as they were, `--check` and `--verify` have nothing to say.
fn nothing_is_left_to_do(lab: &Lab, name: &str) {
    let synchronized = "#!/bin/sh\necho System clock synchronized: yes\n";
    lab[name].program("/usr/local/sbin/timedatectl", synchronized);
    let before = lab.snapshot(name);
    assert!(ends(&lab.ask(name, &[]), 0).contains("nothing to change"));
    let writes = before.writes(&lab.snapshot(name));
    assert!(writes.is_empty(), "{name}: {writes:#?}");
    let check = lab.ask(name, &["--check"]);
    ends(&check, 0);
    assert!(check.stdout.is_empty(), "{}", said(&check));
    let verify = ends(&lab.ask(name, &["--verify"]), 0);
    assert!(verify.contains("ok    the clock is in sync"), "{verify}");
}

#[test]
fn no_request_fails_while_a_node_is_away() {
    let built = built();
    let mut lab = Lab::with(&built, &[CLIENT]);
    for name in ["node1", "node2"] {
        vendor::installed(&lab[name]);
        ends(&lab.apply(name), 5);
        web_server(&lab[name]);
    }
    ends(&lab.apply("loadbalancer"), 0);
    let authority = lab["loadbalancer"].read("/etc/nginx/ssl/cluster-ca.pem");
    lab["client"].write("/etc/authority.pem", &authority);
    lab["client"].write("/etc/hosts", "45.55.232.15 cluster.example.org\n");
    let both = ["node1", "node2"];
    assert_eq!(asks(&lab, 100).wait().who(), both);

    let load = under_load(&lab);
    good(&lab["node1"].run(&["systemctl", "kill", "--signal", "KILL", "httpd.service"]));
    all_answered(&load.wait(), "a server is killed", 10.0);
    good(&lab["node1"].run(&["systemctl", "restart", "httpd.service"]));
    back(&lab);

    let load = under_load(&lab);
    lab.off("node1");
    all_answered(&load.wait(), "a host is off", 10.0);
    lab.on("node1");
    back(&lab);

    let load = under_load(&lab);
    lab.cut("node1");
    // what was sent on a connection that was open waits for as long as a slow page may take
    all_answered(&load.wait(), "a host is silent", 75.0);
    lab.mend("node1");
    back(&lab);
}

fn asks(lab: &Lab, count: usize) -> Load {
    Load::start(&lab["client"], "https://cluster.example.org/oxauth", "/etc/authority.pem", count)
}

fn under_load(lab: &Lab) -> Load {
    let url = "https://cluster.example.org/oxauth";
    Load::under_way(&lab["client"], url, "/etc/authority.pem", 1000)
}

fn all_answered(answers: &Answers, when: &str, seconds: f64) {
    assert_eq!(answers.who(), ["node1", "node2"], "{when}: {answers:?}");
    assert_eq!(answers.answers.values().sum::<u64>(), 1000, "{when}: {answers:?}");
    assert!(answers.slowest < seconds, "{when}: {answers:?}");
}

fn back(lab: &Lab) {
    eventually("both nodes answer again", || (asks(lab, 10).wait().who().len() == 2).then_some(()));
}
