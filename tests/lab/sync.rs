//! csync2 for real: hosts on one switch, with their bundles installed, carry files over.

use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use crate::built::{Built, said};
use crate::host::Host;
use crate::units::eventually;

pub(crate) const PAIR: &str = r#"
cluster "pair" domain="example.org" platform="debian-12"
host "n1" address="10.77.0.11"
host "n2" address="10.77.0.12"
csync2 "content" {
    members "n1" "n2"
    include "/srv/www"
    exclude "*.tmp"
    exclude "/srv/www/own"
    action { pattern "/srv/www/conf/*"; exec "echo $(uname -n): 50% %% >>/tmp/acted" }
    backup-directory "/var/backups/csync2"
}
"#;

/// What a host shows to its peers.
const PAIR_FILES: [&str; 2] = ["/etc/csync2_ssl_cert.pem", "/etc/csync2_ssl_key.pem"];

/// Hosts of a pair, plugged together, csync2 listening on both.
pub(crate) struct Cluster {
    pub(crate) n1: Host,
    pub(crate) n2: Host,
    _switch: Host,
}

impl Cluster {
    pub(crate) fn start(first: &Built, second: &Built) -> Self {
        let (n1, n2) = (first.installed("n1"), second.installed("n2"));
        let switch = Host::start("switch");
        switch.join(&[(&n1, "10.77.0.11/24"), (&n2, "10.77.0.12/24")]);
        for (host, name) in [(&n1, "n1"), (&n2, "n2")] {
            host.run(&["mkdir", "-p", "/srv/www", "/var/lib/csync2"]);
            listen(host, name);
        }
        Self { n1, n2, _switch: switch }
    }
}

fn listen(host: &Host, name: &str) {
    let script = format!("exec csync2 -ii -l -v -N {name} >/tmp/listener 2>&1");
    host.daemon(&["sh", "-c", &script]);
    eventually("csync2 listens", || {
        let open = said(&host.run(&["ss", "-Hltn", "sport = :30865"]));
        open.contains("30865").then_some(())
    });
}

/// Runs `apply.sh` out of the host's bundle.
pub(crate) fn bundle(built: &Built, host: &Host, name: &str, args: &[&str]) -> Output {
    host.run(&["rm", "-rf", "/tmp/bundle"]);
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(built.bundle(name)).arg(host.path("/tmp/bundle"));
    assert!(copy.status().unwrap().success());
    host.run(&[&["sh", "/tmp/bundle/apply.sh"], args].concat())
}

/// What the crontab runs.
pub(crate) fn exchange(host: &Host, name: &str) -> Output {
    host.run(&["csync2", "-N", name, "-G", "content", "-xv"])
}

/// The pair with public addresses, which lead nowhere here, and inner ones; `n1` is plugged in with
/// `address`.
fn inner(address: &str) -> (Host, Host, Host) {
    let mut kdl = PAIR.to_owned();
    for n in [1, 2] {
        let own = format!("address=\"10.77.0.1{n}\"");
        let both =
            format!("address=\"192.0.2.1{n}\" {{ address \"10.77.0.1{n}\" for=\"replication\"; }}");
        kdl = kdl.replace(&own, &both);
    }
    let built = Built::of(&kdl);
    let (n1, n2) = (built.installed("n1"), built.installed("n2"));
    let switch = Host::start("switch");
    switch.join(&[(&n1, address), (&n2, "10.77.0.12/24")]);
    for host in [&n1, &n2] {
        host.run(&["mkdir", "-p", "/srv/www", "/var/lib/csync2"]);
    }
    listen(&n2, "n2-replication");
    n1.write("/srv/www/index.html", "inside");
    (n1, n2, switch)
}

#[test]
fn members_with_an_inner_network_stay_on_it() {
    let (n1, n2, _switch) = inner("10.77.0.11/24");
    let done = exchange(&n1, "n1-replication");
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(n2.read("/srv/www/index.html"), "inside");
}

/// The other way round: a member is known by the address of its name.
#[test]
fn a_member_that_calls_from_another_address_is_refused() {
    let (n1, n2, _switch) = inner("10.77.0.111/24");
    let done = exchange(&n1, "n1-replication");
    assert!(!done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("Local socket bind() to n1-replication"), "{}", said(&done));
    assert!(!n2.path("/srv/www/index.html").exists());
}

#[test]
fn a_file_written_on_one_host_arrives_on_the_other_over_tls() {
    let built = Built::of(PAIR);
    let cluster = Cluster::start(&built, &built);
    cluster.n1.write("/srv/www/index.html", "hello");
    cluster.n1.write("/srv/www/a b;$c.txt", "odd name");
    cluster.n1.write("/srv/www/draft.tmp", "not this");
    cluster.n1.write("/srv/www/own/local.conf", "nor this");
    let done = exchange(&cluster.n1, "n1");
    assert!(done.status.success(), "{}\n{}", said(&done), cluster.n2.read("/tmp/listener"));
    assert_eq!(cluster.n2.read("/srv/www/index.html"), "hello");
    assert_eq!(cluster.n2.read("/srv/www/a b;$c.txt"), "odd name");
    assert!(!cluster.n2.path("/srv/www/draft.tmp").exists(), "a pattern excludes it");
    assert!(!cluster.n2.path("/srv/www/own").exists(), "its path is excluded");

    // each remembers the very certificate that the other's bundle has
    for (host, name, peer) in [(&cluster.n1, "n1", "n2"), (&cluster.n2, "n2", "n1")] {
        let query = format!("select certdata from x509_cert where peername = '{peer}'");
        let db = format!("/var/lib/csync2/{name}.db3");
        let kept = said(&host.run(&["sqlite3", &db, &query]));
        let script = "openssl x509 -in /tmp/peer.pem -outform der | od -An -v -tx1 | tr -d ' \\n'";
        let pem = built.file(peer, "/etc/csync2_ssl_cert.pem");
        host.write("/tmp/peer.pem", &pem);
        let der = host.run(&["sh", "-c", script]);
        let hex = String::from_utf8(der.stdout).unwrap().to_uppercase();
        assert!(hex.len() > 200 && kept.contains(&hex), "{name} knows {peer} as {kept}");
    }
}

#[test]
fn a_change_and_a_removal_arrive_and_the_old_version_is_kept() {
    let built = Built::of(PAIR);
    let cluster = Cluster::start(&built, &built);
    cluster.n1.write("/srv/www/page", "first");
    assert!(exchange(&cluster.n1, "n1").status.success());
    sleep(Duration::from_millis(1100)); // csync2 compares whole seconds and sizes
    cluster.n2.write("/srv/www/page", "second one");
    let done = exchange(&cluster.n2, "n2");
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(cluster.n1.read("/srv/www/page"), "second one");
    let backup = cluster.n1.run(&["grep", "-r", "first", "/var/backups/csync2"]);
    assert!(backup.status.success(), "the first version is gone");
    std::fs::remove_file(cluster.n1.path("/srv/www/page")).unwrap();
    let done = exchange(&cluster.n1, "n1");
    assert!(done.status.success(), "{}", said(&done));
    assert!(!cluster.n2.path("/srv/www/page").exists());
}

#[test]
fn an_action_runs_where_the_change_arrives_and_csync2_takes_its_percents() {
    let built = Built::of(PAIR);
    let cluster = Cluster::start(&built, &built);
    cluster.n1.write("/srv/www/conf/app", "x");
    cluster.n1.write("/srv/www/other", "x");
    assert!(exchange(&cluster.n1, "n1").status.success());
    let acted = eventually("the action runs", || {
        std::fs::read_to_string(cluster.n2.path("/tmp/acted")).ok().filter(|it| !it.is_empty())
    });
    assert_eq!(acted, "n2: 50% /srv/www/conf/app\n");
    assert!(!cluster.n1.path("/tmp/acted").exists(), "`do-local` was not said");
}

#[test]
fn the_line_of_the_crontab_carries_files_over() {
    let built = Built::of(PAIR);
    let cluster = Cluster::start(&built, &built);
    cluster.n1.write("/srv/www/index.html", "by cron");
    let text = cluster.n1.read("/etc/cron.d/clustergen-csync2");
    let line = text.lines().last().unwrap().splitn(7, ' ').nth(6).unwrap().replace("\\%", "%");
    cluster.n1.run(&["sh", "-c", &line]);
    let early = cluster.n2.path("/srv/www/index.html");
    assert!(!early.exists(), "cron carries nothing over before the first sync is done");
    cluster.n1.write("/var/lib/clustergen/pair/done/csync2-content-first-sync-n2", "");
    let done = cluster.n1.run(&["sh", "-c", &line]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(cluster.n2.read("/srv/www/index.html"), "by cron");
}

#[test]
fn in_the_first_sync_the_first_member_wins_over_younger_files() {
    let built = Built::of(PAIR);
    let cluster = Cluster::start(&built, &built);
    cluster.n1.write("/srv/www/settings", "the tuned ones");
    sleep(Duration::from_millis(1100)); // csync2 compares whole seconds
    cluster.n2.write("/srv/www/settings", "defaults of a fresh installation");
    let [gives, step] = ["csync2-content-first-sync-n2", "csync2-content-first-sync"];
    let early = bundle(&built, &cluster.n2, "n2", &["--bootstrap", step]);
    assert!(said(&early).contains("its proof does not hold"), "{}", said(&early));
    let done = bundle(&built, &cluster.n1, "n1", &["--bootstrap", gives]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(cluster.n2.read("/srv/www/settings"), "the tuned ones");
    assert_eq!(cluster.n1.read("/srv/www/settings"), "the tuned ones");
    let test = cluster.n1.run(&["csync2", "-N", "n1", "-T"]);
    assert_eq!(test.status.code(), Some(2), "{}", said(&test));
    let done = bundle(&built, &cluster.n2, "n2", &["--bootstrap", step]);
    assert!(done.status.success(), "{}", said(&done));
    assert!(cluster.n2.path("/var/lib/clustergen/pair/done").join(step).exists());
}

#[test]
fn a_first_sync_of_folders_that_nobody_has_yet_is_not_done() {
    let built = Built::of(PAIR);
    let cluster = Cluster::start(&built, &built);
    let steps = ["csync2-content-first-sync-n2", "csync2-content-first-sync"];
    for (host, name, step) in [(&cluster.n1, "n1", steps[0]), (&cluster.n2, "n2", steps[1])] {
        host.run(&["rm", "-rf", "/srv/www"]);
        let done = bundle(&built, host, name, &["--bootstrap", step]);
        assert_eq!(done.status.code(), Some(1), "{}", said(&done));
        assert!(said(&done).contains("none of its folders has a file yet"), "{}", said(&done));
        assert!(!host.path("/var/lib/clustergen/pair/done").join(step).exists());
    }
    // folders alone are nothing to give, and what the other one has is not replaced
    cluster.n1.run(&["mkdir", "-p", "/srv/www/conf"]);
    cluster.n2.write("/srv/www/page", "of n2");
    let done = bundle(&built, &cluster.n1, "n1", &["--bootstrap", steps[0]]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains("its guard says that it is not safe now"), "{}", said(&done));
    let listed = said(&bundle(&built, &cluster.n1, "n1", &["--list"]));
    assert!(listed.contains("waits, destroys data") && listed.contains("replace"), "{listed}");
}

#[test]
fn a_host_with_a_certificate_of_another_authority_is_refused() {
    // the stranger has the group's key and the member's name and address, but not its certificate
    let built = Built::of(PAIR);
    let stranger = Built::of(&PAIR.replace("\"pair\"", "\"stranger\""));
    let cluster = Cluster::start(&built, &stranger);
    cluster.n2.write("/etc/csync2_content.key", &cluster.n1.read("/etc/csync2_content.key"));
    cluster.n2.write("/srv/www/index.html", "from a stranger");
    let done = exchange(&cluster.n2, "n2");
    assert!(!done.status.success(), "{}", said(&done));
    assert!(!cluster.n1.path("/srv/www/index.html").exists(), "it was taken");

    // with the member's own pair it is no stranger any more
    let member = built.installed("n2");
    for file in PAIR_FILES {
        cluster.n2.write(file, &member.read(file));
    }
    let done = exchange(&cluster.n2, "n2");
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(cluster.n1.read("/srv/www/index.html"), "from a stranger");
}

/// Has `apply.sh` run as on a host; what it would ask of systemd is answered with yes.
fn apply_again(built: &Built, host: &Host, name: &str) -> String {
    host.program("/usr/local/sbin/systemctl", "#!/bin/sh\n");
    host.program("/usr/local/sbin/dpkg-query", "#!/bin/sh\necho install ok installed\n");
    let done = bundle(built, host, name, &["--i-am", name]);
    assert!(matches!(done.status.code(), Some(0 | 5)), "{}", said(&done));
    said(&done)
}

#[test]
fn a_stranger_with_everything_but_the_certificate_is_refused_at_the_first_contact() {
    let built = Built::of(PAIR);
    let stranger = Built::of(PAIR); // an authority of the same name
    let cluster = Cluster::start(&built, &stranger);
    cluster.n2.write("/etc/csync2_content.key", &cluster.n1.read("/etc/csync2_content.key"));
    apply_again(&built, &cluster.n1, "n1");
    cluster.n2.write("/srv/www/index.html", "from a stranger");
    let done = exchange(&cluster.n2, "n2");
    assert!(!done.status.success(), "{}", said(&done));
    assert!(!cluster.n1.path("/srv/www/index.html").exists(), "it was taken");

    // the member itself is known before it ever called
    let member = built.installed("n2");
    for file in PAIR_FILES {
        cluster.n2.write(file, &member.read(file));
    }
    let done = exchange(&cluster.n2, "n2");
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(cluster.n1.read("/srv/www/index.html"), "from a stranger");
}

#[test]
fn a_peer_that_csync2_took_for_another_is_known_again_after_an_apply() {
    let built = Built::of(PAIR);
    let stranger = Built::of(PAIR);
    let cluster = Cluster::start(&built, &stranger);
    cluster.n2.write("/etc/csync2_content.key", &cluster.n1.read("/etc/csync2_content.key"));
    // nobody was pinned: csync2 believes whoever comes first with the group's key
    assert!(exchange(&cluster.n2, "n2").status.success());
    let before = said(&bundle(&built, &cluster.n1, "n1", &["--verify", "--i-am", "n1"]));
    assert!(before.contains("FAIL  csync2 knows its peers by their certificates"), "{before}");
    apply_again(&built, &cluster.n1, "n1");
    let after = said(&bundle(&built, &cluster.n1, "n1", &["--verify", "--i-am", "n1"]));
    assert!(after.contains("ok    csync2 knows its peers by their certificates"), "{after}");
    cluster.n2.write("/srv/www/index.html", "from a stranger");
    assert!(!exchange(&cluster.n2, "n2").status.success());
    assert!(!cluster.n1.path("/srv/www/index.html").exists(), "it was taken");
    assert!(apply_again(&built, &cluster.n1, "n1").contains("nothing to change"));
}

#[test]
fn the_first_sync_resolves_nothing_by_itself_and_leaves_the_configuration_alone() {
    let built = Built::of(PAIR);
    let step = built.bundle("n1").join("steps/csync2-content-first-sync-n2/csync2.cfg");
    let text = std::fs::read_to_string(step).unwrap();
    assert_eq!(
        text.replace("auto none;", "auto younger;"),
        built.file("n1", "/etc/csync2.cfg"),
        "only `auto` differs"
    );
    assert!(text.contains("auto none;"));
    assert!(!built.bundle("n2").join("steps").exists());
}

#[test]
fn a_peer_that_shows_another_certificate_than_before_is_refused() {
    let built = Built::of(PAIR);
    let cluster = Cluster::start(&built, &built);
    cluster.n2.write("/srv/www/index.html", "from n2");
    assert!(exchange(&cluster.n2, "n2").status.success());
    assert_eq!(cluster.n1.read("/srv/www/index.html"), "from n2");

    // one with an authority of the same name, and the group's key
    let stranger = Built::of(PAIR);
    let other = stranger.installed("n2");
    for file in PAIR_FILES {
        cluster.n2.write(file, &other.read(file));
    }
    cluster.n2.write("/srv/www/index.html", "from a stranger");
    let done = exchange(&cluster.n2, "n2");
    assert!(!done.status.success(), "{}", said(&done));
    assert_eq!(cluster.n1.read("/srv/www/index.html"), "from n2");
}
