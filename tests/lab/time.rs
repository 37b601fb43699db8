//! Clocks: chrony reads its file and follows the written servers; programs see the zone.

use std::time::Duration;

use crate::apply::apply;
use crate::built::{Built, said};
use crate::bundle::{bad, good, start};
use crate::host::Host;

/// Clocks are those of the machine: `-x` leaves them alone.
const SERVER: &str = "local stratum 1\nallow\ncmdport 0\npidfile /tmp/ntp.pid\nbindcmdaddress /\n";

fn built(extra: &str) -> Built {
    Built::of(&format!(
        r#"
cluster "c" domain="example.org" platform="debian-12" timezone="Europe/Berlin" {{
    time-servers "192.0.2.9"
}}
host "n1" address="192.0.2.1"
time "clock" {{ on "n1"; zone-in "/opt/box"; {extra} }}
"#
    ))
}

#[test]
fn chrony_reads_its_file_and_follows_the_servers_that_are_written() {
    let built = built("");
    let (host, server, switch) = (start("n1"), Host::start("ntp"), Host::start("switch"));
    switch.join(&[(&host, "192.0.2.1/24"), (&server, "192.0.2.9/24")]);
    good(&apply(&built, &host, "n1", &[]).0);
    host.write("/tmp/running", "");
    let line = "the clock follows the time servers, within a second";
    let verify = || apply(&built, &host, "n1", &["--verify"]).0;

    server.write("/tmp/ntp.conf", SERVER);
    server.daemon(&["chronyd", "-x", "-d", "-u", "root", "-f", "/tmp/ntp.conf"]);
    host.daemon(&["chronyd", "-x", "-d"]);
    std::thread::sleep(Duration::from_secs(1));
    let told = good(&verify());
    assert!(told.contains(&format!("ok    {line}")), "{told}");
    let sources = said(&host.run(&["chronyc", "-n", "sources"]));
    assert!(sources.contains("* 192.0.2.9") && !sources.contains("pool"), "{sources}");
}

#[test]
fn a_line_that_chrony_does_not_know_changes_nothing() {
    let host = start("n1");
    let before = host.read("/etc/chrony/chrony.conf");
    bad(&apply(&built("extra \"polar-bears 3\""), &host, "n1", &[]).0, "polar-bears");
    assert_eq!(host.read("/etc/chrony/chrony.conf"), before);
    good(&apply(&built("extra \"minsources 1\""), &host, "n1", &[]).0);
    assert!(host.read("/etc/chrony/chrony.conf").contains("\nminsources 1\n"));
}

#[test]
fn programs_see_the_zone_and_so_do_those_of_a_container() {
    let built = built("");
    let host = start("n1");
    host.run(&["mkdir", "-p", "/opt/box/usr"]);
    bad(&apply(&built, &host, "n1", &[]).0, "test -e /opt/box/usr/share/zoneinfo/Europe/Berlin");
    host.write("/opt/box/usr/share/zoneinfo/Europe/Berlin", "TZif");
    good(&apply(&built, &host, "n1", &[]).0);
    let hour = said(&host.run(&["date", "-d", "2026-01-01 00:00 UTC", "+%H %Z"]));
    assert!(hour.contains("01 CET"), "{hour}");
    assert_eq!(host.read("/etc/timezone"), "Europe/Berlin\n");
    assert_eq!(host.read("/opt/box/etc/timezone"), "Europe/Berlin\n");
    host.write("/tmp/running", "");
    let (again, asked) = apply(&built, &host, "n1", &[]);
    good(&again);
    assert!(asked.contains(&"disable --now systemd-timesyncd.service".to_owned()), "{asked:?}");
    assert!(asked.iter().all(|it| it.starts_with("disable --now")), "{asked:?}");

    // it would wait a minute for a daemon that is not here
    host.run(&["ln", "-s", "/bin/false", "/usr/local/sbin/chronyc"]);
    let zones = |word: &str| {
        let told = said(&apply(&built, &host, "n1", &["--verify"]).0);
        assert!(told.contains(&format!("{word}the time zone is Europe/Berlin")), "{told}");
        assert!(told.contains(&format!("{word}the time zone in /opt/box is")), "{told}");
    };
    zones("ok    ");
    for place in ["", "/opt/box"] {
        host.run(&[
            "ln",
            "-sfn",
            "/usr/share/zoneinfo/Asia/Tokyo",
            &format!("{place}/etc/localtime"),
        ]);
    }
    zones("FAIL  ");
}

#[test]
fn a_clock_that_nobody_was_asked_to_keep_is_left_alone_and_judged() {
    let built = Built::of(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "n1" address="192.0.2.1"
"#,
    );
    let host = start("n1");
    let (chrony, zone) =
        (host.read("/etc/chrony/chrony.conf"), host.run(&["readlink", "/etc/localtime"]));
    good(&apply(&built, &host, "n1", &[]).0);
    assert_eq!(host.read("/etc/chrony/chrony.conf"), chrony);
    assert_eq!(host.run(&["readlink", "/etc/localtime"]).stdout, zone.stdout);
    for (flag, word) in [("yes", "ok    "), ("no", "FAIL  ")] {
        let says = format!("#!/bin/sh\necho '       System clock synchronized: {flag}'\n");
        host.write("/usr/local/sbin/timedatectl", &says);
        host.run(&["chmod", "0755", "/usr/local/sbin/timedatectl"]);
        let told = said(&apply(&built, &host, "n1", &["--verify"]).0);
        assert!(told.contains(&format!("{word}the clock is in sync")), "{told}");
    }
}
