//! What is no file and has to be so: not looked at too early, made so, and seen when it is not.

use crate::built::{Built, said};
use crate::bundle::{failed, good};
use crate::cluster::Lab;
use crate::stunnel::clock;

const KDL: &str = r##"
cluster "c" domain="example.org" platform="debian-12"
host "h" address="192.0.2.1"
secret "word" { generate; }
step "fill" { on "h"; run "touch /srv/filled"; proof "test -e /srv/filled" }
unit "app.service" {
    on "h"
    section "Service" { set "ExecStart" "/usr/bin/sleep infinity" }
    section "Install" { set "WantedBy" "multi-user.target" }
}
ensure "told" {
    on "h"
    title "the application knows the word"
    after "fill"
    file "wanted" "one {{ secret(\"word\") }}"
    holds #"cmp "$files/wanted" /srv/told"#
    run #"cp "$files/wanted" /srv/told"#
    restart "app.service"
}
"##;

#[test]
fn it_is_made_so_after_its_step_and_seen_when_a_hand_undoes_it() {
    let built = Built::of(KDL);
    let lab = Lab::of(&built);
    let host = &lab["h"];
    clock(host);
    let started = || {
        let show = ["systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "app.service"];
        good(&host.run(&show))
    };
    failed(&lab.apply("h"), 5, "waits for a one-time step, see --list: fill");
    good(&lab.ask("h", &["--verify"]));
    assert!(!host.path("/srv/told").exists(), "its step is not done");
    good(&lab.ask("h", &["--bootstrap", "fill"]));
    let before = started();
    let dry = good(&lab.ask("h", &["--dry-run"]));
    assert!(dry.contains("see to it: the application knows the word"), "{dry}");
    good(&lab.ask("h", &[]));
    assert!(host.read("/srv/told").starts_with("one "));
    assert_ne!(before, started());
    assert!(good(&lab.ask("h", &[])).contains("nothing to change"));
    assert!(good(&lab.ask("h", &["--verify"])).contains("ok    the application knows the word"));

    host.write("/srv/told", "by hand");
    failed(&lab.ask("h", &["--check"]), 2, "the application knows the word");
    failed(&lab.ask("h", &["--verify"]), 2, "FAIL  the application knows the word");
    good(&lab.ask("h", &[]));
    assert!(host.read("/srv/told").starts_with("one "));

    built.rebuild(&KDL.replace("one {{", "two {{"));
    good(&lab.apply("h"));
    assert!(host.read("/srv/told").starts_with("two "));

    // one that cannot be made so is told, and what changed is put back
    let before = started();
    built.rebuild(&KDL.replace("one {{", "three {{").replace("run #\"cp", "run #\": cp"));
    let done = lab.apply("h");
    assert!(!done.status.success(), "{}", said(&done));
    let wanted = "/var/lib/clustergen/c/ensure/told/wanted";
    assert!(host.read(wanted).starts_with("two "), "{}", said(&done));
    assert_eq!(before, started());
    let mode =
        good(&host.run(&["stat", "-c", "%a %U", wanted, "/var/lib/clustergen/c/ensure/told"]));
    assert!(mode.ends_with("600 root\n700 root\n"), "{mode}");
}
