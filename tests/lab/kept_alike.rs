//! What `--verify` says of folders that csync2 keeps alike: what does not come over is told, what
//! waits for its next run is not, and nothing is changed by the look.

use crate::built::{Built, said};
use crate::host::Host;
use crate::sync::{Cluster, PAIR, bundle, exchange};
use crate::units::eventually;

const ALIKE: &str = "csync2 `content`: every peer";
const LINK: &str = "FAIL  csync2 `content`: no path leads over a symbolic link";

/// The pair after its first sync; of a page that both have changed nobody wins.
fn synced(built: &Built) -> Cluster {
    let cluster = Cluster::start(built, built);
    cluster.n1.write("/srv/www/page", "of both");
    let waits = verify(built, &cluster.n1);
    assert!(!waits.contains(ALIKE), "nothing is judged yet: {waits}");
    let step = "csync2-content-first-sync-n2";
    let done = bundle(built, &cluster.n1, "n1", &["--bootstrap", step]);
    assert!(done.status.success(), "{}", said(&done));
    cluster.n1.program("/usr/local/sbin/systemctl", "#!/bin/sh\n");
    // what is asked again after a moment answers the same at once
    cluster.n1.program("/usr/local/sbin/sleep", "#!/bin/sh\n");
    cluster
}

fn built() -> Built {
    let more = r#"include "/srv/www" "/opt/program/that/is/not/here"; auto "none""#;
    Built::of(&PAIR.replace(r#"include "/srv/www""#, more))
}

fn verify(built: &Built, host: &Host) -> String {
    said(&bundle(built, host, "n1", &["--verify"]))
}

/// What csync2 has yet to carry over.
fn dirty(host: &Host) -> String {
    said(&host.run(&["csync2", "-N", "n1", "-M"]))
}

#[test]
fn what_a_peer_does_not_take_is_told_and_what_waits_for_its_next_run_is_not() {
    let built = built();
    let cluster = synced(&built);
    cluster.n1.write("/srv/www/new", "not carried over yet");
    cluster.n1.write("/srv/www/page", "changed on n1");
    let fine = verify(&built, &cluster.n1);
    assert!(fine.contains(&format!("ok    {ALIKE}")), "{fine}");
    assert!(!dirty(&cluster.n1).contains("/srv/www"), "a look has marked something");

    cluster.n2.write("/srv/www/page", "changed on n2 as well");
    assert!(!exchange(&cluster.n1, "n1").status.success());
    assert_eq!(cluster.n2.read("/srv/www/new"), "not carried over yet");
    let apart = verify(&built, &cluster.n1);
    assert!(apart.contains(&format!("FAIL  {ALIKE}")), "{apart}");
    assert!(apart.contains("/srv/www/page") && !apart.contains("/srv/www/new"), "{apart}");
}

#[test]
fn verify_waits_for_a_run_that_is_at_work() {
    let built = built();
    let cluster = synced(&built);
    cluster.n1.write("/srv/www/new", "x");
    let run = "csync2 -N n1 -cr /; touch /tmp/looked; /usr/bin/sleep 3; csync2 -N n1 -u";
    cluster.n1.daemon(&["flock", "/run/clustergen-csync2.lock", "sh", "-c", run]);
    eventually("it has looked", || cluster.n1.path("/tmp/looked").exists().then_some(()));
    let fine = verify(&built, &cluster.n1);
    assert!(fine.contains(&format!("ok    {ALIKE}")), "{fine}");
    assert_eq!(cluster.n2.read("/srv/www/new"), "x");
}

#[test]
fn a_path_over_a_link_is_told_and_one_that_is_not_there_is_not() {
    let built = built();
    let cluster = synced(&built);
    let fine = verify(&built, &cluster.n1);
    assert!(!fine.contains(LINK), "{fine}");
    cluster.n1.run(&["sh", "-c", "mv /srv/www /srv/real && ln -s real /srv/www"]);
    let led = verify(&built, &cluster.n1);
    assert!(led.contains(LINK) && led.contains("/srv/www is /srv/real"), "{led}");
}
