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
    Built::of(&example())
}

fn example() -> String {
    let kdl = std::fs::read_to_string(examples().join("gluu-4.kdl")).unwrap();
    kdl.replace("ubuntu-18.04", "debian-12")
}

/// A host that is known, and a word more.
fn with_a_third_node() -> [String; 2] {
    let known = example() + "\nhost \"node3\" address=\"138.197.65.244\"\n";
    let joined = known.replace(r#"nodes "node1" "node2""#, r#"nodes "node1" "node2" "node3""#);
    assert_ne!(known, joined);
    [known, joined]
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
fn bring_up(built: &Built, lab: &Lab) {
    for line in lines(built, "Bring-up") {
        type_in(built, lab, &line);
    }
}

/// What stands on the page of changes as to be done once, by the lines of the same chapter; without those of
/// steps that were done before.
fn join(built: &Built, lab: &Lab) {
    let page = std::fs::read_to_string(built.folder().join("out/CHANGES.md")).unwrap();
    let new = |host: &str, step: &str| {
        page.lines().any(|line| {
            line.starts_with(&format!("- {host}: `")) && line.contains(&format!("`{step}`"))
        })
    };
    // who sends requests to the new host comes last
    let (balancer, others): (Vec<String>, Vec<String>) = lines(built, "Bring-up")
        .into_iter()
        .partition(|line| line.contains("ssh root@45.55.232.15 "));
    let mut lines = others.into_iter().chain(balancer);
    while let Some(line) = lines.next() {
        let known = asks_for(lab, &line).is_some_and(|(host, step)| !new(&host, step));
        if known {
            lines.next();
        } else {
            type_in(built, lab, &line);
        }
    }
}

/// The host and the step of a line that has one done.
fn asks_for<'a>(lab: &Lab, line: &'a str) -> Option<(String, &'a str)> {
    let (login, step) = line.split_once(" clustergen/apply.sh --bootstrap ")?;
    (step != "export").then(|| (lab.at(login.trim_start_matches("ssh root@")), step))
}

fn type_in(built: &Built, lab: &Lab, line: &str) {
    if let Some((name, "idp-installed" | "idp-setup")) = asks_for(lab, line) {
        vendor::installed(&lab[&name]);
        vendor::serves(&lab[&name]);
        if name == "node1" {
            vendor::set_up(&lab[&name]);
        }
    }
    let done = follow(built, lab, line, vendor::PASSWORD);
    let waits = done.status.code() == Some(5) && line.contains("apply.sh");
    assert!(done.status.success() || waits, "{line}: {}", said(&done));
}

#[test]
fn the_runbook_brings_it_up_line_by_line_and_the_nodes_stay_alike() {
    let [known, joined] = with_a_third_node();
    let built = Built::of(&known);
    let mut lab = Lab::with(&built, &[CLIENT]);
    bring_up(&built, &lab);
    let nodes = ["node1", "node2"];
    for name in nodes {
        let units = ["cron.service", "csync2.socket", "gluu-apache.service"];
        good(&lab[name].run(&[&["systemctl", "is-active"], &units[..]].concat()));
        good(&lab[name].run(&[&["systemctl", "is-enabled"], &units[..]].concat()));
        web_server(&lab[name]);
    }
    what_was_made_on_the_first_node_is_on(&lab, ("node2", "138.197.65.243"));
    let servers = ["localhost:1636", "159.203.126.10:1636", "138.197.65.243:1636"];
    for name in nodes {
        only_readers_were_asked(&lab, name);
        gluu_knows_its_cluster(&built, &lab[name], &servers);
    }
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
    a_third_node_joins(&built, &joined, &lab);
    the_cache_gets_another_password(&built, &lab);
    the_third_node_leaves(&built, &known, &lab);
    the_cache_is_taken_out(&built, &lab);
}

/// What is done is left alone, and nobody of the old ones starts anew.
fn a_third_node_joins(built: &Built, joined: &str, lab: &Lab) {
    built.rebuild(joined);
    join(built, lab);
    web_server(&lab["node3"]);
    what_was_made_on_the_first_node_is_on(lab, ("node3", "138.197.65.244"));
    only_readers_were_asked(lab, "node3");
    let servers =
        ["localhost:1636", "159.203.126.10:1636", "138.197.65.243:1636", "138.197.65.244:1636"];
    for name in ["node1", "node2", "node3"] {
        gluu_knows_its_cluster(built, &lab[name], &servers);
    }
    for name in ["node1", "node2"] {
        assert_eq!(vendor::asked(&lab[name]), [""; 0], "{name}");
    }
    for name in built.hosts() {
        ends(&lab.ask(&name, &["--verify"]), 0);
    }
    nothing_is_left_to_do(lab, "node3");
}

/// Redis has it, the directory has it once, and what has read the old one starts anew.
fn the_cache_gets_another_password(built: &Built, lab: &Lab) {
    let servers =
        ["localhost:1636", "159.203.126.10:1636", "138.197.65.243:1636", "138.197.65.244:1636"];
    let before = cache_password(built);
    built.rotated("idp-cache");
    assert_ne!(cache_password(built), before);
    ends(&lab.apply("redis"), 0);
    for name in ["node1", "node2", "node3"] {
        ends(&lab.apply(name), 0);
        gluu_knows_its_cluster(built, &lab[name], &servers);
        let asked: BTreeSet<String> = vendor::asked(&lab[name]).into_iter().collect();
        assert!(
            asked.iter().eq(["restart identity", "restart oxauth"].iter()),
            "{name}: {asked:?}"
        );
        ends(&lab.ask(name, &["--verify"]), 0);
    }
    nothing_is_left_to_do(lab, "node1");
}

/// As the runbook's chapter says: it leaves its directory, the others forget it, then it is bare.
fn the_third_node_leaves(built: &Built, known: &str, lab: &Lab) {
    let retire = "/var/lib/clustergen/gluu/opendj/idp/opendj retire";
    let page = std::fs::read_to_string(built.folder().join("out/RUNBOOK.md")).unwrap();
    assert!(page.contains(&format!("`{retire}`")), "{page}");
    good(&lab["node3"].run(&["sh", "-c", retire]));
    built.rebuild(known);
    for name in ["node1", "node2", "loadbalancer", "redis"] {
        lab.bring(name);
        ends(&lab.ask(name, &["--older"]), 0);
    }
    for name in ["node1", "node2"] {
        let servers = ["localhost:1636", "159.203.126.10:1636", "138.197.65.243:1636"];
        gluu_knows_its_cluster(built, &lab[name], &servers);
        assert_eq!(vendor::asked(&lab[name]), [""; 0], "{name}");
    }
    // who went back may come forward again; who stays does not
    let stays = ends(&lab.ask("node1", &[]), 0);
    assert!(stays.contains("forgets that opendj-idp-enable-node3-o-gluu was done"), "{stays}");
    for name in ["node1", "node2", "loadbalancer", "redis"] {
        nothing_is_left_to_do(lab, name);
    }
    ends(&lab.ask("node3", &["--uninstall"]), 0);
    let own = [
        "/usr/local/sbin/gluu-run",
        "/etc/stunnel/idp/key.pem",
        "/var/lib/clustergen/gluu/ensure/idp-trust/trust",
    ];
    for path in own {
        assert!(!lab["node3"].path(path).exists(), "{path}");
    }
    built.rebuild(&example());
    assert!(!built.bundle("node3").exists());
}

/// Gluu goes back to its directory, and nobody waits for a Redis that is gone.
fn the_cache_is_taken_out(built: &Built, lab: &Lab) {
    built.rebuild(&example().replace("    cache \"redis\"\n", ""));
    // and what a person takes out of Java's list meanwhile comes back
    let list = format!("{CONTAINER}/opt/java/lib/security/cacerts");
    let words = ["keytool", "-delete", "-alias", "clustergen-gluu", "-storepass", "changeit"];
    good(&lab["node2"].run(&[&words[..], &["-keystore", &list]].concat()));
    let differs = ends(&lab.ask("node2", &["--check"]), 2);
    assert!(differs.contains("believe the cluster's authority"), "{differs}");
    for name in ["node1", "node2"] {
        ends(&lab.apply(name), 0);
        let found = vendor::configuration(&lab[name]);
        let cache = found["ou=configuration,o=gluu"]["oxCacheConfiguration"][0].as_str().unwrap();
        let cache: Value = serde_json::from_str(cache).unwrap();
        assert_eq!(cache["cacheProviderType"], "NATIVE_PERSISTENCE");
        assert_eq!(cache["inMemoryConfiguration"]["defaultPutExpiration"], 60);
        assert!(vendor::asked(&lab[name]).contains(&"restart oxauth".to_owned()), "{name}");
        let tunnel = lab[name].run(&["systemctl", "is-active", "clustergen-stunnel-idp.service"]);
        assert!(!tunnel.status.success(), "{name}");
        nothing_is_left_to_do(lab, name);
    }
}

/// What Redis asks for.
fn cache_password(built: &Built) -> String {
    let redis = built.secrets("redis");
    let (_, password) = redis.iter().find(|(token, _)| token.contains("idp_cache_")).unwrap();
    password.trim_matches('"').to_owned()
}

/// Answers and certificates, but for the address and each node's own pair.
fn what_was_made_on_the_first_node_is_on(lab: &Lab, (node, address): (&str, &str)) {
    let [first, second] = ["node1", node].map(|name| vendor::answers(&lab[name]));
    assert_eq!(second, first.replace("159.203.126.10", address));
    let certs = format!("{CONTAINER}/etc/certs");
    let sums = |host: &Host| {
        let sum = format!("cd {certs} && sha256sum oxauth-keys.jks scim-rs.jks passport/rp.jks");
        good(&host.run(&["sh", "-c", &sum]))
    };
    assert_eq!(sums(&lab["node1"]), sums(&lab[node]));
    let own = ["httpd.crt", "httpd.key", "opendj.pkcs12"].map(|name| format!("{certs}/{name}"));
    for path in &own {
        let bytes = |name: &str| std::fs::read(lab[name].path(path)).unwrap();
        assert_ne!(bytes("node1"), bytes(node), "{path}");
    }
    let ids = format!("cd {certs} && stat -c '%u:%g %n' oxauth-keys.jks scim-rs.jks");
    let ids = good(&lab[node].run(&["sh", "-c", &ids]));
    assert!(ids.contains("901:901 oxauth-keys.jks\n0:902 scim-rs.jks"), "{ids}");
}

/// Those alone that read what is new.
fn only_readers_were_asked(lab: &Lab, node: &str) {
    let units = ["reload apache2", "restart identity", "restart opendj", "restart oxauth"];
    let asked: BTreeSet<String> = vendor::asked(&lab[node]).into_iter().collect();
    assert!(asked.iter().eq(units.iter()), "{node}: {asked:?}");
}

/// By a node's directory, with the password as Gluu's own program encodes it; what a person set beside
/// it stays.
fn gluu_knows_its_cluster(built: &Built, host: &Host, servers: &[&str]) {
    let found = vendor::configuration(host);
    let one = |name: &str, at: usize| -> Value {
        serde_json::from_str(found["ou=configuration,o=gluu"][name][at].as_str().unwrap()).unwrap()
    };
    let oxauth = &found["ou=oxauth,ou=configuration,o=gluu"];
    let keys: Value =
        serde_json::from_str(oxauth["oxAuthConfDynamic"][0].as_str().unwrap()).unwrap();
    assert_eq!(keys["keyRegenerationEnabled"], false);
    assert_eq!(keys["keyRegenerationInterval"], 48);
    assert_eq!(oxauth["oxRevision"][0], "2");
    let cache = one("oxCacheConfiguration", 0);
    assert_eq!(cache["cacheProviderType"], "REDIS");
    assert_eq!(cache["inMemoryConfiguration"]["defaultPutExpiration"], 60);
    let to = &cache["redisConfiguration"];
    assert_eq!(to["servers"], "localhost:16379");
    assert_eq!(to["defaultPutExpiration"], 77);
    let decode = ["gluu-run", "/opt/gluu/bin/encode.py", "-D", to["password"].as_str().unwrap()];
    let plain = format!("[exit status: 0] {}", cache_password(built));
    assert_eq!(good(&host.run(&decode)).trim(), plain);
    let own = one("oxIDPAuthentication", 0)["config"].clone();
    assert_eq!(own["servers"], serde_json::json!(servers));
    assert_eq!(own["bindDN"], "kept");
    assert_eq!(one("oxIDPAuthentication", 1)["config"]["servers"][0], "ad.example.org:636");
}

/// Over TLS: each knows the other by its certificate.
fn files_are_carried(lab: &Lab) {
    let folder = format!("{CONTAINER}/opt/shibboleth-idp/metadata");
    let (new, hidden) = (format!("{folder}/a b.xml"), format!("{folder}/.lock"));
    let properties = format!("{CONTAINER}/etc/gluu/conf/gluu-ldap.properties");
    lab["node1"].write(&new, "<new/>\n");
    lab["node1"].write(&hidden, "");
    let own = lab["node2"].read(&properties);
    lab["node1"].write(&properties, &(lab["node1"].read(&properties) + "# node1's\n"));
    good(&cron(&lab["node1"]));
    assert_eq!(lab["node2"].read(&new), "<new/>\n");
    assert!(!lab["node2"].path(&hidden).exists(), "its name is excluded");
    assert_eq!(lab["node2"].read(&properties), own, "its path is excluded");
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
    // what the directory writes when it is asked is its own
    let asked = |it: &&String| {
        !["called", "db/"].iter().any(|own| it.contains(&format!("/opt/opendj/{own}")))
    };
    let writes: Vec<&String> = writes.iter().filter(asked).collect();
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
