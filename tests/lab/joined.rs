//! The first sync of csync2: each member takes what the first one has, whenever it comes.

use std::thread::sleep;
use std::time::Duration;

use crate::built::{Built, said};
use crate::bundle::{failed, good};
use crate::cluster::Lab;
use crate::proofs::failures;
use crate::rotation::cron;
use crate::stunnel::clock;

const TWO: &str = r#"
cluster "c" domain="example.org" platform="debian-12"
host "n1" address="10.77.0.11"
host "n2" address="10.77.0.12"
host "n3" address="10.77.0.13"
csync2 "content" { members "n1" "n2"; include "/srv/www" }
file "/srv/of" { on "n3"; content "n3" }
"#;

/// Brings members up as the runbook has it: the first one gives to each of the others.
pub(crate) fn first_sync(lab: &Lab, group: &str, members: &[&str]) {
    let step = format!("csync2-{group}-first-sync");
    let [first, others @ ..] = members else { return };
    for other in others {
        good(&lab.ask(first, &["--bootstrap", &format!("{step}-{other}")]));
    }
    for other in others {
        good(&lab.ask(other, &["--bootstrap", &step]));
    }
    for member in members {
        good(&lab.ask(member, &[]));
    }
}

#[test]
fn a_third_member_takes_the_files_of_the_first_and_the_others_go_on() {
    let built = Built::of(TWO);
    let lab = Lab::of(&built);
    let page = |name: &str, page: &str| lab[name].read(&format!("/srv/www/{page}"));
    lab["n1"].write("/srv/www/settings", "the tuned ones");
    for name in ["n1", "n2"] {
        lab[name].run(&["mkdir", "-p", "/srv/www"]);
        failed(&lab.apply(name), 5, "waits for a one-time step");
    }
    first_sync(&lab, "content", &["n1", "n2"]);
    assert_eq!(page("n2", "settings"), "the tuned ones");
    for name in ["n1", "n2", "n3"] {
        clock(&lab[name]);
    }
    good(&lab.apply("n3"));

    built.rebuild(&TWO.replace(r#""n1" "n2"; "#, r#""n1" "n2" "n3"; "#));
    sleep(Duration::from_millis(1100)); // csync2 compares whole seconds
    lab["n3"].write("/srv/www/settings", "defaults of a fresh installation");
    lab["n3"].write("/srv/www/of-n3", "its own");
    for name in ["n3", "n1", "n2"] {
        let done = lab.apply(name);
        assert!(matches!(done.status.code(), Some(0 | 5)), "{name}: {}", said(&done));
    }
    // both of the pair have changed one page meanwhile, and nobody has carried it over
    lab["n1"].write("/srv/www/news", "older, of n1");
    sleep(Duration::from_millis(1100));
    lab["n2"].write("/srv/www/news", "younger, of n2");
    first_sync(&lab, "content", &["n1", "n3"]);
    assert_eq!(page("n3", "settings"), "the tuned ones");
    for name in ["n2", "n1", "n3", "n2", "n1"] {
        good(&cron(&lab[name]));
    }
    for name in ["n1", "n2", "n3"] {
        assert_eq!(page(name, "settings"), "the tuned ones", "{name}");
        assert_eq!(page(name, "news"), "younger, of n2", "{name}");
        assert_eq!(page(name, "of-n3"), "its own", "{name}");
        assert_eq!(failures(&lab.ask(name, &["--verify"])), [""; 0], "{name}");
    }
}
