//! Redis under a real systemd: who is answered, what arrives at a replica, what is refused.

use crate::built::{Built, said};
use crate::bundle::{failed, good};
use crate::cluster::Lab;
use crate::host::Host;
use crate::proofs::failures;
use crate::stunnel::clock;
use crate::units::eventually;

const KDL: &str = r#"
cluster "caches" domain="example.org" platform="debian-12"
host "app" address="192.0.2.11"
host "kv1" address="192.0.2.21"
host "kv2" address="192.0.2.22"
secret "redis" { file "redis.secret" }
redis "kv" {
    primary "kv1"
    replicas "kv2"
    password (secret)"redis"
    max-memory "64M" policy="allkeys-lru"
    persistence "append-only"
    tls
    clients "app" group="www-data"
}
"#;
const STRANGER: (&str, &[&str]) = ("stranger", &["192.0.2.99"]);
const FOLDER: &str = "/etc/clustergen/caches/redis-kv";

/// Everything that means something to a line of `redis.conf`, to sh, sed or awk.
const PASSWORD: &str = " it's \"a\" \\ #pass\\x41 & $HOME `id` %s\twörd\u{7f} ";

/// Says commands to a Redis, with a pair or without.
fn says(host: &Host, at: &str, pair: bool, commands: &str) -> String {
    let pair = if pair {
        format!("--cert {FOLDER}/cert.pem --key {FOLDER}/key.pem")
    } else {
        String::new()
    };
    let ask = format!(
        "printf '{commands}\\n' | timeout 10 redis-cli -h {at} --tls --cacert {FOLDER}/ca.pem {pair}"
    );
    said(&host.run(&["sh", "-c", &ask]))
}

/// The same, after the password.
fn known(host: &Host, at: &str, command: &str) -> String {
    let ask = format!(
        "{{ grep ^AUTH {FOLDER}/ping; echo '{command}'; }} | timeout 10 redis-cli -h {at} --tls \
         --cacert {FOLDER}/ca.pem --cert {FOLDER}/cert.pem --key {FOLDER}/key.pem"
    );
    said(&host.run(&["sh", "-c", &ask]))
}

/// The password as the protocol carries it, byte by byte: no rule of quoting is in the way.
const ASK: &str = "import socket, ssl, sys
context = ssl.create_default_context(cafile='/etc/clustergen/caches/redis-kv/ca.pem')
context.load_cert_chain('/etc/clustergen/caches/redis-kv/cert.pem', '/etc/clustergen/caches/redis-kv/key.pem')
link = context.wrap_socket(socket.create_connection(('192.0.2.21', 6379), 10), server_hostname='kv1.example.org')
word = sys.stdin.buffer.read()
link.sendall(b'*2\\r\\n$4\\r\\nAUTH\\r\\n$%d\\r\\n%s\\r\\n' % (len(word), word))
print(link.recv(100))";

fn up<'a>(built: &'a Built, others: &[(&str, &[&str])]) -> Lab<'a> {
    let lab = Lab::with(built, others);
    for name in built.hosts() {
        clock(&lab[&name]);
        good(&lab.apply(&name));
    }
    lab
}

#[test]
fn a_value_arrives_at_the_replica_and_nobody_comes_in_without_a_certificate_and_the_password() {
    let built = Built::of(KDL);
    built.given("redis", PASSWORD);
    let lab = up(&built, &[STRANGER]);
    for name in ["kv1", "kv2", "app"] {
        good(&lab.ask(name, &["--verify"]));
    }
    assert!(known(&lab["app"], "192.0.2.21", "SET greeting hello").contains("OK"));
    eventually("the replica has it", || {
        known(&lab["kv2"], "127.0.0.1", "GET greeting").contains("hello").then_some(())
    });
    assert!(known(&lab["kv2"], "127.0.0.1", "SET greeting no").contains("READONLY"));

    let stranger = &lab["stranger"];
    stranger.write(&format!("{FOLDER}/ca.pem"), &lab["app"].read(&format!("{FOLDER}/ca.pem")));
    let told = says(stranger, "192.0.2.21", false, "PING");
    assert!(!told.contains("NOAUTH") && !told.contains("PONG"), "{told}");
    let clear = said(&stranger.run(&["timeout", "5", "redis-cli", "-h", "192.0.2.21", "PING"]));
    assert!(!clear.contains("NOAUTH") && !clear.contains("PONG"), "{clear}");
    assert!(says(&lab["app"], "192.0.2.21", true, "PING").contains("NOAUTH"));

    // the very bytes, and no others
    lab["app"].write("/tmp/ask", ASK);
    for (word, answer) in [(PASSWORD, "+OK"), (PASSWORD.trim(), "WRONGPASS")] {
        lab["app"].write("/tmp/word", word);
        let told = said(&lab["app"].run(&["sh", "-c", "python3 /tmp/ask </tmp/word"]));
        assert!(told.contains(answer), "{told}");
    }
    let file = good(&lab["app"].run(&["stat", "-c", "%a %U:%G", &format!("{FOLDER}/key.pem")]));
    assert!(file.contains("640 root:www-data"), "{file}");
    for name in ["kv1", "kv2", "app"] {
        assert!(good(&lab.ask(name, &[])).contains("nothing to change"));
        good(&lab.ask(name, &["--check"]));
    }
}

#[test]
fn a_replica_is_made_the_primary_as_the_runbook_says() {
    let built = Built::of(KDL);
    built.given("redis", PASSWORD);
    let mut lab = up(&built, &[]);
    assert!(known(&lab["app"], "192.0.2.21", "SET greeting hello").contains("OK"));
    good(&lab.ask("kv2", &["--verify"]));
    lab.off("kv1");
    let page = std::fs::read_to_string(built.folder().join("out/RUNBOOK.md")).unwrap();
    let promote = page.split('`').find(|it| it.contains("REPLICAOF NO ONE")).unwrap();
    assert!(good(&lab["kv2"].run(&["sh", "-c", promote])).contains("OK"));
    assert!(known(&lab["app"], "192.0.2.22", "SET greeting again").contains("OK"));
    built.rebuild(
        &KDL.replace(
            "primary \"kv1\"\n    replicas \"kv2\"",
            "primary \"kv2\"\n    replicas \"kv1\"",
        ),
    );
    good(&lab.apply("kv2"));
    lab.on("kv1");
    good(&lab.apply("kv1"));
    for name in ["kv1", "kv2"] {
        good(&lab.ask(name, &["--verify"]));
    }
    assert!(known(&lab["kv1"], "127.0.0.1", "GET greeting").contains("again"));
}

#[test]
fn each_proof_fails_when_it_must() {
    let built = Built::of(KDL);
    built.given("redis", "a password");
    let lab = up(&built, &[]);
    let stop = ["systemctl", "stop", "redis-server.service"];
    good(&lab["kv2"].run(&stop));
    assert_eq!(failures(&lab.ask("kv1", &["--verify"])), ["redis kv: a replica follows"]);
    assert_eq!(
        failures(&lab.ask("app", &["--verify"])),
        ["redis kv: kv2 answers PONG on 192.0.2.22:6379"]
    );
    let open = "sed -i -e '/^requirepass/d' -e 's/^tls-auth-clients.*/tls-auth-clients no/' /etc/redis/redis.conf";
    good(&lab["kv1"].run(&["sh", "-c", open]));
    good(&lab["kv1"].run(&["systemctl", "restart", "redis-server.service"]));
    let found = failures(&lab.ask("kv1", &["--verify"]));
    for what in ["asks for a password", "does not talk with who has no certificate"] {
        assert!(found.contains(&format!("redis kv: {what}")), "{found:?}");
    }
}

#[test]
fn what_redis_does_not_take_is_refused_and_no_password_is_told() {
    let kdl = r#"
cluster "caches" domain="example.org" platform="debian-12"
host "kv" address="192.0.2.21"
redis "kv" { on "kv"; persistence "none" }
"#;
    let built = Built::of(kdl);
    let lab = up(&built, &[]);
    // what was read to judge the file is as the daemon would have made it
    let log = good(&lab["kv"].run(&["stat", "-c", "%U", "/var/log/redis/redis-server.log"]));
    assert!(log.contains("redis"), "{log}");
    let password = built.secrets("kv").into_values().next().unwrap();
    built.rebuild(&kdl.replace("\"none\" }", "\"none\"; extra \"maxmemory-policy no-such\" }"));
    let done = lab.apply("kv");
    assert!(!done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("maxmemory-policy"), "{}", said(&done));
    assert!(!said(&done).contains(password.trim_matches('"')), "{}", said(&done));
    good(&lab.ask("kv", &["--verify"]));
    // whoever opens it by hand is told
    let open = "sed -i 's/^bind.*/bind 0.0.0.0/' /etc/redis/redis.conf; systemctl restart redis-server.service";
    built.rebuild(kdl);
    good(&lab["kv"].run(&["sh", "-c", open]));
    assert_eq!(failures(&lab.ask("kv", &["--verify"])), ["redis kv: listens on loopback alone"]);
    failed(&lab.ask("kv", &["--check"]), 2, "/etc/redis/redis.conf");
}

/// How packages start it: that of Ubuntu 20.04 has it fork, and that of RHEL 9 waits for its word.
const UNITS: [(&str, &str, &str); 2] = [
    (
        "ubuntu-20.04",
        "redis-server.service",
        "Type=forking\nExecStart=/usr/bin/redis-server /etc/redis/redis.conf\nPIDFile=/run/redis/redis-server.pid",
    ),
    (
        "rhel-9",
        "redis.service",
        "Type=notify\nExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd",
    ),
];

#[test]
fn one_file_does_for_units_that_fork_and_for_those_that_wait() {
    for (platform, name, lines) in UNITS {
        let kdl = format!(
            r#"
cluster "caches" domain="example.org" platform="{platform}"
host "kv" address="192.0.2.21"
redis "kv" {{ on "kv" }}
"#
        );
        let built = Built::of(&kdl);
        let lab = Lab::of(&built);
        clock(&lab["kv"]);
        let unit = format!(
            "[Service]\n{lines}\nUser=redis\nGroup=redis\nRuntimeDirectory=redis\n\n[Install]\nWantedBy=multi-user.target\n"
        );
        lab["kv"].write(&format!("/etc/systemd/system/{name}"), &unit);
        good(&lab["kv"].run(&["systemctl", "daemon-reload"]));
        good(&lab.apply("kv"));
        good(&lab.ask("kv", &["--verify"]));
        assert!(good(&lab.ask("kv", &[])).contains("nothing to change"));
    }
}
