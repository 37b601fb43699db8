//! What is no file and has to be so: not looked at too early, made so, and seen when it is not.

use crate::built::{Built, said};
use crate::bundle::{Bundle, bad, failed, good, host_with_units};
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
ensure "greeted" {
    on "h"
    holds "test -e /srv/greeted"
    run "systemctl is-active -q app.service && touch /srv/greeted"
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
    assert!(host.path("/srv/greeted").exists(), "its unit was not up");
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

/// An application that is told about a tunnel, of which the tunnel itself reads nothing.
const TUNNEL: &str = "
file 0644 root:root /etc/tunnel.conf restart tunnel.service
file 0644 root:root /etc/app.conf restart app.service
need later finally more 'the application knows more' none -
finally told 'the application knows the tunnel' restart app.service /etc/app.conf
unit tunnel.service
unit app.service
step 1/1 later keeps 'there is more'
}
proof_later() {
    :
}
holds_more() {
    false
}
ensure_more() {
    false
}
holds_told() {
    cmp /etc/app.conf /srv/told
}
ensure_told() {
    test ! -e /tmp/deaf && systemctl is-active tunnel.service && cp /etc/app.conf /srv/told && echo told >>/tmp/asked
";

#[test]
fn it_is_told_when_the_units_are_up_and_who_was_told_takes_it_up_after() {
    let files = |word: &str| {
        [
            ("files/etc/tunnel.conf", format!("{word}\n")),
            ("files/etc/app.conf", format!("{word}\n")),
        ]
    };
    let bundle = |word: &str| {
        let files = files(word);
        Bundle::of(TUNNEL, &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)])
    };
    let host = host_with_units(&["app.service"]);
    let enabled = ["enable -q tunnel.service", "start tunnel.service"];
    let after = ["told", "restart app.service"];
    let (done, asked) = bundle("one").on(&host, &[]);
    failed(&done, 5, "waits for a one-time step, see --list: later");
    assert_eq!(asked, [&enabled[..], &["restart app.service"], &after].concat());
    assert!(said(&bundle("one").on(&host, &[]).0).contains("nothing to change"));
    let (done, asked) = bundle("two").on(&host, &[]);
    failed(&done, 5, "later");
    let reloads = ["restart tunnel.service", "restart app.service"];
    assert_eq!(asked, [&reloads[..], &after].concat());

    // who cannot be told has the units put back, and was not asked to take anything up
    host.write("/tmp/deaf", "");
    let (done, asked) = bundle("three").on(&host, &[]);
    bad(&done, "this could not be made so: the application knows the tunnel");
    assert_eq!(host.read("/etc/app.conf"), "two\n");
    let back = ["restart app.service", "restart tunnel.service"];
    assert_eq!(asked, [reloads, back].concat());
    host.run(&["rm", "/tmp/deaf"]);

    // a tunnel that does not stay up is none to tell of
    host.program("/usr/local/sbin/sleep", "#!/bin/sh\nrm -f /tmp/units/tunnel.service.active\n");
    bad(&bundle("three").on(&host, &[]).0, "tunnel.service was running before, and is not now");
    assert_eq!(host.read("/srv/told"), "two\n");
}
