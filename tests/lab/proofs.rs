//! What `--verify` says under a real systemd: all is well where it is, and each proof fails when it
//! must.

use std::process::Output;

use crate::built::{Built, said};
use crate::bundle::good;
use crate::cluster::Lab;

const WEB: &str = r#"
cluster "web" domain="example.org" platform="debian-12"
host "lb" address="192.0.2.10" { address "2001:db8::10" }
host "app" address="192.0.2.21"
host "six" address="2001:db8::22"
certificate "www" { names "www.example.org" "example.org" }
certificate "app" { names "service.example.org" "www.example.org" }
certificate "other" {
    names "other.example.org"
    on "app" cert="/etc/ssl/other.crt" key="/etc/ssl/other.key"
}
nginx "front" {
    on "lb"
    upstream "app" { servers "app" port=443; tls "app" }
    upstream "old" { servers "six" port=80 }
    site "www.example.org" { certificate "www"; redirect-http; location "/" to="app" }
    site "old.example.org" { location "/" to="old" }
    stream "raw" port=636 { servers "six" port=80 }
}
nginx "tls" {
    on "app"
    site "service.example.org" { alias "www.example.org"; certificate "app"; location "/" redirect="https://elsewhere.example.org/" }
}
nginx "plain" {
    on "six"
    site "old.example.org" { extra "location = / { return 500; }" }
}
"#;

/// Which proofs of a host do not hold, by their titles.
pub(crate) fn failures(done: &Output) -> Vec<String> {
    assert!([Some(0), Some(2)].contains(&done.status.code()), "{}", said(done));
    let text = String::from_utf8(done.stdout.clone()).unwrap();
    let failed = text.lines().filter_map(|line| line.strip_prefix("FAIL  "));
    failed.map(str::to_owned).collect()
}

const SHOWS: [&str; 2] = [
    "www.example.org shows /etc/nginx/ssl/www.crt on 127.0.0.1",
    "www.example.org shows /etc/nginx/ssl/www.crt on ::1",
];
const TLS: [&str; 2] = [
    "https://www.example.org/ is answered on 127.0.0.1",
    "https://www.example.org/ is answered on ::1",
];
const PLAIN: [&str; 2] = [
    "http://old.example.org/ is answered on 127.0.0.1",
    "http://old.example.org/ is answered on ::1",
];
const LEADS: [&str; 2] = [
    "http://www.example.org/ leads to TLS on 127.0.0.1",
    "http://www.example.org/ leads to TLS on ::1",
];
const APP: &str = "upstream app: app answers on 192.0.2.21:443 as service.example.org";
const OLD: &str = "upstream old: six answers on [2001:db8::22]:80";
const PASSED_ON: &str = "stream raw: six takes connections on [2001:db8::22]:80";
const PORT: &str = "stream raw: nginx takes connections on 127.0.0.1:636";

/// A certificate that nobody of the cluster signed, of the right name.
const FOREIGN: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
     -subj /CN=service.example.org -addext subjectAltName=DNS:service.example.org,DNS:www.example.org";

#[test]
fn nginx_is_proven_by_what_it_answers_and_each_proof_fails_when_it_must() {
    let built = Built::of(WEB);
    let lab = Lab::of(&built);
    for name in ["app", "six", "lb"] {
        lab[name].program("/usr/local/bin/timedatectl", "#!/bin/sh\necho synchronized: yes\n");
        good(&lab.apply(name));
    }
    let all = good(&lab.ask("lb", &["--verify"]));
    for title in [&SHOWS[..], &TLS, &PLAIN, &LEADS, &[APP, OLD, PASSED_ON, PORT]].concat() {
        assert!(all.contains(&format!("ok    {title}\n")), "{title}: {all}");
    }
    for name in ["app", "six"] {
        good(&lab.ask(name, &["--verify"]));
    }

    // not a reload: sessions that go on are not asked for a certificate
    // a quick machine starts it more often than systemd lets pass for whole
    let restart =
        "nginx -t -q && systemctl reset-failed nginx.service && systemctl restart nginx.service";
    let edit = |what: &str| format!("cp -a /etc/nginx /etc/kept && {what} && {restart}");
    let mend = "rm -r /etc/nginx && mv /etc/kept /etc/nginx && systemctl reset-failed nginx.service && systemctl restart nginx.service";
    let pair = "/etc/nginx/ssl/app.key -out /etc/nginx/ssl/app.crt";
    let stop = "systemctl stop nginx.service";
    let start = "systemctl start nginx.service";
    let table: [(&str, String, &str, Vec<&str>); 8] = [
        (
            "lb",
            stop.to_owned(),
            start,
            [&["nginx.service is up"][..], &TLS, &PLAIN, &LEADS, &SHOWS, &[PORT]].concat(),
        ),
        // what was renewed, and not taken up
        (
            "lb",
            "cp -a /etc/nginx /etc/kept && cp /etc/nginx/ssl/cluster-ca.pem /etc/nginx/ssl/www.crt"
                .to_owned(),
            mend,
            SHOWS.into(),
        ),
        ("lb", edit("sed -i 's/443/444/' /etc/nginx/nginx.conf"), mend, [TLS, SHOWS].concat()),
        (
            "lb",
            edit("sed -i 's,301 https://www,301 https://ww,' /etc/nginx/nginx.conf"),
            mend,
            LEADS.into(),
        ),
        ("app", stop.to_owned(), start, [&TLS[..], &[APP]].concat()),
        ("app", edit(&format!("{FOREIGN} -keyout {pair}")), mend, [&TLS[..], &[APP]].concat()),
        (
            "app",
            edit(
                "cp /etc/ssl/other.crt /etc/nginx/ssl/app.crt && cp /etc/ssl/other.key /etc/nginx/ssl/app.key",
            ),
            mend,
            [&TLS[..], &[APP]].concat(),
        ),
        ("six", stop.to_owned(), start, [&PLAIN[..], &[OLD, PASSED_ON]].concat()),
    ];
    for (host, hand, mend, titles) in table {
        fails(&lab, ("lb", host), &hand, mend, titles);
    }
}

/// Does something to a host, upon which these proofs of another do not hold, and takes it back.
fn fails(lab: &Lab, (asked, host): (&str, &str), hand: &str, mend: &str, mut titles: Vec<&str>) {
    titles.sort_unstable();
    good(&lab[host].run(&["sh", "-ec", hand]));
    let mut found = failures(&lab.ask(asked, &["--verify"]));
    found.sort();
    assert_eq!(found, titles, "{hand}");
    good(&lab[host].run(&["sh", "-ec", mend]));
    let left = failures(&lab.ask(asked, &["--verify"]));
    assert!(left.is_empty(), "{hand}: {left:?}");
}

const JOBS: &str = r#"
cluster "jobs" domain="example.org" platform="debian-12" { time-servers "192.0.2.9" }
host "a" address="192.0.2.1"
host "b" address="192.0.2.2"
cron "poll" { on "a"; schedule "17 3 * * *"; command "/bin/true" }
unit "tick.service" {
    on "a"
    section "Service" { set "Type" "oneshot"; set "ExecStart" "/usr/bin/test ! -e /srv/broken" }
}
unit "tick.timer" {
    on "a"
    section "Timer" { set "OnCalendar" "hourly"; set "OnActiveSec" "1s" }
}
unit "never.service" {
    on "b"
    section "Service" { set "Type" "oneshot"; set "ExecStart" "/bin/true" }
}
unit "never.timer" { on "b"; section "Timer" { set "OnUnitActiveSec" "1h" } }
"#;

/// Gives others the time of the machine.
const SERVER: &str = "local stratum 1\nallow\ncmdport 0\npidfile /tmp/ntp.pid\nbindcmdaddress /\n";

#[test]
fn crontabs_timers_and_clocks_are_proven_and_each_proof_fails_when_it_must() {
    let built = Built::of(JOBS);
    let lab = Lab::with(&built, &[("ntp", &["192.0.2.9"])]);
    lab["ntp"].write("/tmp/ntp.conf", SERVER);
    lab["ntp"].daemon(&["chronyd", "-x", "-d", "-u", "root", "-f", "/tmp/ntp.conf"]);
    for name in ["a", "b"] {
        good(&lab.apply(name));
    }
    let next = ["it is known when tick.timer is next", "it is known when never.timer is next"];
    let [cron, clock] = ["cron takes up /etc/cron.d/poll", "no two daemons set the clock"];
    let ran = "tick.service did not fail when tick.timer last started it";
    let all = good(&lab.ask("a", &["--verify"]));
    let follows = "the clock follows the time servers, within a second";
    for title in [next[0], cron, clock, ran, follows] {
        assert!(all.contains(&format!("ok    {title}\n")), "{title}: {all}");
    }
    // nothing starts its first round
    assert_eq!(failures(&lab.ask("b", &["--verify"])), [next[1]]);

    let poll = "/etc/cron.d/poll";
    let add = |line: &str| {
        format!(
            "mv {poll} /srv/poll; {{ cat /srv/poll; echo '{line}'; }} >{poll}; systemctl restart cron.service"
        )
    };
    // in a second of its own: what the log said before a file's last change does not count
    let kept = format!("sleep 1; rm {poll}; mv /srv/poll {poll}; systemctl restart cron.service");
    // of these two neither knows of the other, but chrony of both
    let others = "for name in ntp openntpd; do \
         printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/$name.service; \
         systemctl daemon-reload; systemctl start $name.service; done";
    let chrony = "systemctl stop ntp.service openntpd.service; systemctl start chrony.service";
    let table: [(&str, &str, Vec<&str>); 8] = [
        (&format!("chmod 0666 {poll}"), &format!("chmod 0644 {poll}"), vec![cron]),
        (&format!("chown daemon {poll}"), &format!("chown root {poll}"), vec![cron]),
        (&format!("ln {poll} /etc/poll"), "rm /etc/poll", vec![cron]),
        (&add("61 * * * * root true"), &kept, vec![cron]),
        (&add("1 * * * * nosuch true"), &kept, vec![cron]),
        (
            "touch /srv/broken; ! systemctl start tick.service",
            "rm /srv/broken; systemctl start tick.service",
            vec![ran],
        ),
        (
            "systemctl stop tick.timer",
            "systemctl start tick.timer",
            vec!["tick.timer is up", next[0]],
        ),
        (others, chrony, vec!["chrony.service is up", clock, follows]),
    ];
    for (hand, mend, titles) in table {
        fails(&lab, ("a", "a"), hand, mend, titles);
    }
}
