//! New certificates of csync2 go over three members, one apply after the other, in any order; in
//! between the crontabs go on, and nothing of them fails.

use std::fs;
use std::process::{Command, Output};

use crate::built::{Built, said};
use crate::bundle::good;
use crate::cluster::Lab;
use crate::host::Host;
use crate::joined::first_sync;

const KDL: &str = r#"
cluster "c" domain="example.org" platform="debian-12"
host "n1" address="10.77.0.11"
host "n2" address="10.77.0.12"
host "n3" address="10.77.0.13"
csync2 "content" { members "n1" "n2" "n3"; include "/srv/www" }
"#;

const MEMBERS: [&str; 3] = ["n1", "n2", "n3"];
const PAIR: [&str; 2] = ["/etc/csync2_ssl_cert.pem", "/etc/csync2_ssl_key.pem"];
const AGREE: &str = "csync2: this host and its peers know each other by their certificates";

/// Brought up by the runbook.
fn up(built: &Built) -> Lab<'_> {
    let lab = Lab::of(built);
    for name in MEMBERS {
        lab[name].write(&format!("/srv/www/of-{name}"), name);
        assert_eq!(lab.apply(name).status.code(), Some(5));
    }
    first_sync(&lab, "content", &MEMBERS);
    carries(&lab, "bring-up");
    lab
}

/// The line of the crontab, without what takes its words to the log, as cron runs it.
pub(crate) fn cron(host: &Host) -> Output {
    let table = host.read("/etc/cron.d/clustergen-csync2");
    let sets = table.lines().filter(|line| line.starts_with(|it: char| it.is_ascii_uppercase()));
    let line = table.lines().last().unwrap();
    let (_, command) = line.split_once(" root ").expect("a line of root's");
    let (command, _) = command.split_once(" | logger").expect("a line for the log");
    let words = ["env", "-i"].into_iter().chain(sets).chain(["/bin/sh", "-c", command]);
    host.run(&words.collect::<Vec<_>>())
}

/// Every member has something new for the others, and its line is run: it fails for nobody, and says
/// at most who waits for whom.
fn round(lab: &Lab, name: &str) -> Vec<String> {
    for member in MEMBERS {
        lab[member].write(&format!("/srv/www/{name}-of-{member}"), member);
    }
    let mut waits = Vec::new();
    for member in MEMBERS {
        let told = good(&cron(&lab[member]));
        for line in told.lines().filter(|line| !line.ends_with("exit status: 0] ")) {
            let line = line.trim_start_matches("[exit status: 0] ");
            let peer = line.split_once(" waits: ").unwrap_or_else(|| panic!("{told}")).0;
            waits.push(format!("{peer} at {member}"));
        }
    }
    waits
}

fn arrived(lab: &Lab, name: &str, from: &str, to: &str) -> bool {
    lab[to].path(&format!("/srv/www/{name}-of-{from}")).exists()
}

/// A round in which nobody waits, and after which everybody has everything.
fn carries(lab: &Lab, name: &str) {
    assert_eq!(round(lab, name), [""; 0]);
    alike(lab);
}

fn alike(lab: &Lab) {
    let listed = |name: &str| good(&lab[name].run(&["ls", "/srv/www"]));
    for name in MEMBERS {
        assert_eq!(listed(name), listed("n1"), "{name}");
    }
}

fn all_is_proven(lab: &Lab) {
    for name in MEMBERS {
        let told = said(&lab.ask(name, &["--verify"]));
        assert!(told.contains(&format!("ok    {AGREE}")), "{told}");
        assert!(told.contains("ok    csync2 `content`: every peer"), "{told}");
        assert!(good(&lab.ask(name, &[])).contains("nothing to change"));
    }
}

/// Renews, applies in an order with a round after each; gives who waited after each.
fn rotate(lab: &Lab, built: &Built, names: &[&str], order: [&str; 3]) -> Vec<Vec<String>> {
    built.renewed(names);
    let waits = order.map(|name| {
        good(&lab.apply(name));
        round(lab, &format!("after-{name}"))
    });
    carries(lab, "after-all");
    all_is_proven(lab);
    waits.into()
}

#[test]
fn a_new_certificate_goes_over_the_members_and_the_old_one_is_refused_then() {
    let built = Built::of(KDL);
    let lab = up(&built);
    let old = PAIR.map(|file| lab["n2"].read(file));
    let waits = rotate(&lab, &built, &["n2/csync2"], ["n1", "n3", "n2"]);
    assert_eq!(waits[0], ["n2 at n1", "n1 at n2"]);
    assert_eq!(waits[1], ["n2 at n1", "n1 at n2", "n3 at n2", "n2 at n3"]);
    assert_eq!(waits[2], [""; 0]);
    let new = PAIR.map(|file| lab["n2"].read(file));
    assert!(old[0] != new[0] && old[1] != new[1]);

    for (file, text) in PAIR.iter().zip(&old) {
        lab["n2"].write(file, text);
    }
    let waits = round(&lab, "old");
    assert_eq!(waits, ["n2 at n1", "n1 at n2", "n3 at n2", "n2 at n3"]);
    assert!(!arrived(&lab, "old", "n2", "n1") && arrived(&lab, "old", "n1", "n3"));
    let told = said(&lab.ask("n1", &["--verify"]));
    assert!(told.contains(&format!("FAIL  {AGREE}\n      n2 waits: it shows another")), "{told}");
}

#[test]
fn a_new_certificate_goes_over_the_members_in_the_other_order() {
    let built = Built::of(KDL);
    let lab = up(&built);
    let waits = rotate(&lab, &built, &["n2/csync2"], ["n2", "n1", "n3"]);
    assert_eq!(waits[0], ["n2 at n1", "n1 at n2", "n3 at n2", "n2 at n3"]);
    assert_eq!(waits[1], ["n3 at n2", "n2 at n3"]);
    assert_eq!(waits[2], [""; 0]);
    assert!(arrived(&lab, "after-n2", "n1", "n3"));
}

#[test]
fn all_certificates_are_made_anew_at_once() {
    let built = Built::of(KDL);
    let lab = up(&built);
    let waits = rotate(&lab, &built, &["csync2"], MEMBERS);
    assert_eq!(waits[0], ["n2 at n1", "n3 at n1", "n1 at n2", "n1 at n3"]);
    assert_eq!(waits[2], [""; 0]);
}

/// The state of the description, as git would keep it.
fn kept(built: &Built, words: &str) {
    let line = format!("cd \"$1\" && {words}");
    let mut command = Command::new("sh");
    assert!(command.args(["-c", &line, "sh"]).arg(built.folder()).status().unwrap().success());
}

#[test]
fn a_rotation_that_is_taken_back_goes_back_the_same_way() {
    let built = Built::of(KDL);
    let lab = up(&built);
    kept(&built, "cp -r cluster.state/lock cluster.state/certs .");
    built.renewed(&["n2/csync2"]);
    good(&lab.apply("n1"));
    assert_eq!(round(&lab, "begun"), ["n2 at n1", "n1 at n2"]);
    good(&lab.ask("n1", &["--rollback"]));
    carries(&lab, "rolled-back");

    // the whole way, then the commit is reverted
    for name in ["n1", "n3", "n2"] {
        good(&lab.apply(name));
        round(&lab, &format!("after-{name}"));
    }
    carries(&lab, "after-all");
    kept(&built, "cp -r lock certs cluster.state");
    built.again();
    for name in ["n1", "n3", "n2"] {
        lab.bring(name);
        good(&lab.ask(name, &["--older"]));
        round(&lab, &format!("back-on-{name}"));
    }
    carries(&lab, "reverted");
    all_is_proven(&lab);
}

/// A run that was put back, or killed, may leave the certificates of its bundle in the database.
#[test]
fn what_a_run_that_was_put_back_left_is_put_right_by_the_next_line() {
    let built = Built::of(KDL);
    let lab = up(&built);
    let wrong = "update x509_cert set certdata = '00'";
    good(&lab["n1"].run(&["sqlite3", "/var/lib/csync2/n1.db3", wrong]));
    carries(&lab, "put-right");
    fs::remove_file(lab["n3"].path("/var/lib/csync2/n3.db3")).unwrap();
    assert_eq!(round(&lab, "without-a-database"), [""; 0]);
}

#[test]
fn a_peer_that_is_down_keeps_nobody_from_the_others() {
    let built = Built::of(KDL);
    let lab = up(&built);
    good(&lab["n2"].run(&["systemctl", "stop", "csync2.socket"]));
    lab["n1"].write("/srv/www/new", "of n1");
    let done = cron(&lab["n1"]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(
        said(&done).contains("n2 is left out: ERROR: Connection to remote host"),
        "{}",
        said(&done)
    );
    assert_eq!(lab["n3"].read("/srv/www/new"), "of n1");
    good(&lab["n2"].run(&["systemctl", "start", "csync2.socket"]));
    assert_eq!(said(&cron(&lab["n1"])), "[exit status: 0] ");
    assert_eq!(lab["n2"].read("/srv/www/new"), "of n1");
}
