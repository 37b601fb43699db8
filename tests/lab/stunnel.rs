//! A Redis that nobody but its own host reaches, and tunnels that lead to it: who comes in, and who
//! does not.

use crate::built::{Built, said};
use crate::bundle::{failed, good};
use crate::cluster::Lab;
use crate::host::Host;
use crate::proofs::failures;
use crate::units::eventually;

const KDL: &str = r#"
cluster "tunnel" domain="example.org" platform="debian-12"
host "node1" address="192.0.2.21"
host "node2" address="192.0.2.22"
host "redis" address="192.0.2.30"
group "nodes" { members "node1" "node2" }
redis "kv" { on "redis"; reached-by "nodes" port=16379 }
stunnel "kv" { server "redis" port=16379 to=6379; clients "nodes" port=16379 }
"#;
const STRANGER: (&str, &[&str]) = ("stranger", &["192.0.2.99"]);
const UNIT: &str = "clustergen-stunnel-kv.service";
const FOLDER: &str = "/etc/stunnel/kv";

const PONG: &str = "redis kv: answers PONG on 127.0.0.1:16379";
const NAME: &str = "tunnel kv: redis answers on 192.0.2.30:16379 as redis";
const OUT: &str = "tunnel kv: what connects to 127.0.0.1:16379 comes out";

/// Certificates that nobody of the cluster signed, with a name that is let in.
const FOREIGN: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
     -subj /CN=node1.example.org -addext subjectAltName=DNS:node1.example.org,DNS:node1 \
     -addext extendedKeyUsage=clientAuth -keyout /tmp/key.pem -out /tmp/cert.pem";

/// The clock is the machine's, and nobody here knows who keeps it.
pub(crate) fn clock(host: &Host) {
    host.program("/usr/local/bin/timedatectl", "#!/bin/sh\necho synchronized: yes\n");
}

/// All hosts, brought up as their bundles are.
fn up(built: &Built) -> Lab<'_> {
    let lab = Lab::with(built, &[STRANGER]);
    for name in ["redis", "node1", "node2"] {
        clock(&lab[name]);
        good(&lab.apply(name));
    }
    lab
}

/// What Redis says to a command by way of a host's tunnel, or of Redis itself.
fn says(host: &Host, port: u16, command: &str) -> String {
    let ping = "/etc/clustergen/tunnel/redis-kv/ping";
    let ask =
        format!("{{ grep ^AUTH {ping}; echo '{command}'; }} | timeout 10 redis-cli -p {port}");
    said(&host.run(&["sh", "-c", &ask]))
}

/// Whether Redis answers whoever knocks at the tunnel's end with a pair of files, or with none.
fn comes_in(host: &Host, pair: Option<[&str; 2]>) -> bool {
    let pair = pair.map_or(String::new(), |[cert, key]| format!("-cert {cert} -key {key}"));
    let knock = format!(
        "{{ printf 'PING\\r\\n'; sleep 1; }} | timeout 10 openssl s_client -quiet -connect 192.0.2.30:16379 {pair}"
    );
    let told = said(&host.run(&["sh", "-c", &knock]));
    assert!(told.contains("verify") || told.contains("alert"), "nobody was there: {told}");
    told.contains("NOAUTH")
}

fn restarted(host: &Host) {
    good(&host.run(&["systemctl", "restart", UNIT]));
}

#[test]
fn redis_answers_from_two_nodes_through_tunnels_that_both_ends_verify() {
    let built = Built::of(KDL);
    let lab = up(&built);
    for name in ["node1", "node2"] {
        let all = good(&lab.ask(name, &["--verify"]));
        for title in [PONG, NAME, OUT] {
            assert!(all.contains(&format!("ok    {title}\n")), "{title}: {all}");
        }
    }
    let all = good(&lab.ask("redis", &["--verify"]));
    for what in ["answers PONG", "asks for a password", "listens on loopback alone"] {
        assert!(all.contains(&format!("ok    redis kv: {what}\n")), "{what}: {all}");
    }
    assert!(says(&lab["node1"], 16379, "SET greeting hello").contains("OK"));
    assert!(says(&lab["node2"], 16379, "GET greeting").contains("hello"));
    // the tunnel alone does not open it
    let bare = said(&lab["node1"].run(&["redis-cli", "-p", "16379", "GET", "greeting"]));
    assert!(bare.contains("NOAUTH"), "{bare}");
    for name in ["redis", "node1", "node2"] {
        let before = lab.snapshot(name);
        assert!(good(&lab.ask(name, &[])).contains("nothing to change"));
        let writes = before.writes(&lab.snapshot(name));
        // Redis writes when it likes
        let writes: Vec<_> =
            writes.into_iter().filter(|it| !format!("{it:?}").contains("/redis/")).collect();
        assert!(writes.is_empty(), "{name}: {writes:#?}");
        good(&lab.ask(name, &["--check"]));
    }
}

#[test]
fn whoever_is_not_a_client_by_name_stays_outside() {
    let built = Built::of(KDL);
    let lab = up(&built);
    let stranger = &lab["stranger"];
    let direct = said(&stranger.run(&["redis-cli", "-h", "192.0.2.30", "-p", "6379", "PING"]));
    assert!(direct.contains("refused"), "{direct}");
    assert!(!comes_in(stranger, None), "without a certificate");
    good(&stranger.run(&["sh", "-c", FOREIGN]));
    assert!(!comes_in(stranger, Some(["/tmp/cert.pem", "/tmp/key.pem"])), "of another authority");
    let copy = |of: &str| {
        for (part, to) in [("cert.pem", "/etc/copy.crt"), ("key.pem", "/etc/copy.key")] {
            stranger.write(to, &lab[of].read(&format!("{FOLDER}/{part}")));
        }
        Some(["/etc/copy.crt", "/etc/copy.key"])
    };
    // the authority has signed it, for a host that is no client of the tunnel
    assert!(!comes_in(stranger, copy("redis")), "under another name");
    // what is stolen lets in, until it is revoked
    assert!(comes_in(stranger, copy("node1")));
    built.revoked(&["node1/stunnel"]);
    for name in ["redis", "node1"] {
        good(&lab.apply(name));
    }
    assert!(!comes_in(stranger, Some(["/etc/copy.crt", "/etc/copy.key"])), "revoked");
    good(&lab.ask("node1", &["--verify"]));
    good(&lab.ask("node2", &["--verify"]));
}

#[test]
fn a_server_of_another_name_is_not_talked_to() {
    let built = Built::of(KDL);
    let lab = up(&built);
    // it shows what another host has
    for part in ["cert.pem", "key.pem"] {
        lab["redis"]
            .write(&format!("{FOLDER}/{part}"), &lab["node2"].read(&format!("{FOLDER}/{part}")));
    }
    restarted(&lab["redis"]);
    assert!(!says(&lab["node1"], 16379, "PING").contains("PONG"));
    assert_eq!(failures(&lab.ask("node1", &["--verify"])), [PONG, NAME, OUT]);
    // as the bundle has it
    good(&lab.ask("redis", &[]));
    eventually("the tunnel leads through again", || {
        says(&lab["node1"], 16379, "PING").contains("PONG").then_some(())
    });
    // it asks for a name that nobody shows
    let wrong = format!("sed -i 's/^checkHost .*/checkHost = other/' {FOLDER}/stunnel.conf");
    good(&lab["node1"].run(&["sh", "-c", &wrong]));
    restarted(&lab["node1"]);
    assert!(!says(&lab["node1"], 16379, "PING").contains("PONG"));
    failed(&lab.ask("node1", &["--check"]), 2, "/etc/stunnel/kv/stunnel.conf");
    good(&lab.ask("node1", &[]));
    good(&lab.ask("node1", &["--verify"]));
    // nobody is there
    good(&lab["redis"].run(&["systemctl", "stop", "redis-server.service"]));
    assert_eq!(failures(&lab.ask("node1", &["--verify"])), [PONG, OUT]);
}

#[test]
fn what_stunnel_does_not_take_is_not_installed_and_the_tunnel_stays() {
    let built = Built::of(KDL);
    let lab = up(&built);
    let started = |name: &str| {
        let show = ["systemctl", "show", "-p", "ActiveEnterTimestampMonotonic", UNIT];
        good(&lab[name].run(&show))
    };
    let before = started("node1");
    let with =
        |line: &str| KDL.replace("port=16379 }\n", &format!("port=16379; extra \"{line}\" }}\n"));
    for wrong in ["verifyChian = yes", "key = /nowhere"] {
        built.rebuild(&with(wrong).replace("reached-by \"nodes\" port=16379; extra", "extra"));
        let done = lab.apply("node1");
        assert!(!done.status.success(), "{}", said(&done));
        assert!(
            said(&done).contains(if wrong.starts_with('k') { "/nowhere" } else { "verifyChian" }),
            "{}",
            said(&done)
        );
        assert_eq!(before, started("node1"), "{wrong}");
    }
    built.rebuild(KDL);
    assert!(good(&lab.apply("node1")).contains("nothing to change"));
    // a good one is taken up while the old one still has the port
    built.rebuild(&KDL.replace(
        "clients \"nodes\" port=16379",
        "clients \"nodes\" port=16379; extra \"TIMEOUTidle = 3600\"",
    ));
    good(&lab.apply("node1"));
    assert_ne!(before, started("node1"));
    good(&lab.ask("node1", &["--verify"]));
}

#[test]
fn the_next_server_is_asked_where_one_is_away_and_a_renewal_is_taken_up() {
    let kdl = r#"
cluster "tunnel" domain="example.org" platform="debian-12"
host "node1" address="192.0.2.21" { address "2001:db8::21" }
host "kv1" address="192.0.2.31" { address "2001:db8::31" }
host "kv2" address="2001:db8::32"
certificate "cache" { names "cache.example.org" }
redis "kv" { on "kv1" "kv2"; reached-by "node1" "kv1" port=6380 }
stunnel "kv" { server "kv1" "kv2" port=16379 to=6379; clients "node1" "kv1" port=6380; certificate "cache" }
"#;
    let built = Built::of(kdl);
    let mut lab = Lab::of(&built);
    for name in ["kv1", "kv2", "node1"] {
        clock(&lab[name]);
        good(&lab.apply(name));
    }
    for name in ["kv1", "kv2", "node1"] {
        good(&lab.ask(name, &["--verify"]));
    }
    let on = |host: &Host, port: u16, command: &str| says(host, port, command);
    for name in ["kv1", "kv2"] {
        assert!(on(&lab[name], 6379, &format!("SET me {name}")).contains("OK"));
        assert!(on(&lab[name], 6379, "SAVE").contains("OK"));
    }
    assert!(
        on(&lab["node1"], 6380, "GET me").contains("kv1"),
        "the first one, in the order written"
    );
    built.renewed(&["cache"]);
    let shown = "openssl s_client -connect 192.0.2.31:16379 -cert /etc/stunnel/kv/cert.pem \
         -key /etc/stunnel/kv/key.pem </dev/null 2>/dev/null | openssl x509 -noout -fingerprint";
    let before = good(&lab["node1"].run(&["sh", "-c", shown]));
    good(&lab.apply("kv1"));
    assert_ne!(before, good(&lab["node1"].run(&["sh", "-c", shown])));
    good(&lab.apply("node1"));
    good(&lab.ask("node1", &["--verify"]));
    lab.off("kv1");
    eventually("the second one answers", || {
        on(&lab["node1"], 6380, "GET me").contains("kv2").then_some(())
    });
    // all is there again after a power cut, though the network comes later than the units
    lab.on("kv1");
    eventually("the first one answers again", || {
        on(&lab["node1"], 6380, "GET me").contains("kv1").then_some(())
    });
    good(&lab.ask("kv1", &["--verify"]));
}
