//! What a cluster says of itself when everything is as it should be, and when a hand has been at it.

use std::process::Output;

use serde_json::{Value, json};

use crate::built::{Built, said};
use crate::bundle::{failed, good};
use crate::cluster::Lab;
use crate::joined::first_sync;

const HOSTS: [&str; 3] = ["app1", "app2", "lb"];

/// The application and the directory behind the load balancer, which nobody describes.
const APPLICATION: &str = "for port in 8443 1636; do systemd-run -q openssl s_server -quiet -www \
     -accept $port -cert /etc/ssl/app/app.crt -key /etc/ssl/app/app.key; done";

/// The cluster of the example, brought up as its runbook says.
fn web(built: &Built) -> Lab<'_> {
    let lab = Lab::of(built);
    for name in HOSTS {
        // the clock is the machine's, and nobody here knows who keeps it
        lab[name].program("/usr/local/bin/timedatectl", "#!/bin/sh\necho synchronized: yes\n");
    }
    for name in ["app1", "app2"] {
        failed(&lab.apply(name), 5, "waits for a one-time step");
        good(&lab[name].run(&["sh", "-c", APPLICATION]));
    }
    good(&lab.apply("lb"));
    first_sync(&lab, "content", &["app1", "app2"]);
    lab
}

/// What a hand does on which host, what `--check` says of it, and the change in its JSON.
const HANDS: [(&str, &str, &str, [&str; 4]); 6] = [
    (
        "lb",
        "sed -i s/64M/65M/ /etc/nginx/nginx.conf",
        "change /etc/nginx/nginx.conf, then reload nginx.service",
        ["file", "/etc/nginx/nginx.conf", "reload", "nginx.service"],
    ),
    (
        "lb",
        "rm /etc/nginx/ssl/www.key",
        "change /etc/nginx/ssl/www.key, then reload nginx.service",
        ["file", "/etc/nginx/ssl/www.key", "reload", "nginx.service"],
    ),
    (
        "lb",
        "systemctl disable -q nginx.service",
        "enable and start nginx.service",
        ["unit", "nginx.service", "", ""],
    ),
    (
        "app1",
        "chmod 0644 /etc/app/local.conf",
        "change /etc/app/local.conf, then restart app.service",
        ["file", "/etc/app/local.conf", "restart", "app.service"],
    ),
    (
        "app1",
        "sed -i s/192.0.2.22/192.0.2.23/ /etc/hosts",
        "change /etc/hosts",
        ["file", "/etc/hosts", "", ""],
    ),
    (
        "app1",
        "ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime",
        "link /etc/localtime, then restart cron.service",
        ["link", "/etc/localtime", "restart", "cron.service"],
    ),
];

#[test]
fn a_cluster_that_is_as_described_says_so_and_stays_as_it_is() {
    let built = Built::example("web.kdl");
    let lab = web(&built);
    for name in HOSTS {
        let before = lab.snapshot(name);
        let nothing = format!("[exit status: 0] {name}: nothing to change\n");
        assert_eq!(good(&lab.ask(name, &[])), nothing);
        assert_eq!(good(&lab.ask(name, &["--check"])), "[exit status: 0] ");
        let told = json(&lab.ask(name, &["--check", "--json"]));
        assert_eq!((&told["exit"], &told["changes"]), (&json!(0), &json!([])), "{told}");
        let writes = before.writes(&lab.snapshot(name));
        // cron starts csync2 whenever its minute comes
        let ours = |it: &&String| !it.starts_with("/var/lib/csync2/");
        let writes: Vec<&String> = writes.iter().filter(ours).collect();
        assert!(writes.is_empty(), "{name}: {writes:?}");

        let proven = good(&lab.ask(name, &["--verify"]));
        let told = json(&lab.ask(name, &["--verify", "--json"]));
        let proofs = told["proofs"].as_array().unwrap();
        assert!(proofs.len() > 4 && proofs.iter().all(|it| it["ok"] == true), "{told}");
        for proof in proofs {
            let line = format!("ok    {}\n", proof["title"].as_str().unwrap());
            assert!(proven.contains(&line), "{proven}");
        }
    }
    for (name, hand, said, [kind, path, action, unit]) in HANDS {
        good(&lab[name].run(&["sh", "-c", hand]));
        assert_eq!(drift(&lab.ask(name, &["--check"])), format!("{said}\n"), "{hand}");
        let told = json(&lab.ask(name, &["--check", "--json"]));
        let word = |text: &str| if text.is_empty() { json!(null) } else { json!(text) };
        let change =
            json!({ "kind": kind, "name": path, "action": word(action), "unit": word(unit) });
        assert_eq!((&told["exit"], &told["changes"]), (&json!(2), &json!([change])), "{hand}");
        good(&lab.ask(name, &[]));
        assert_eq!(good(&lab.ask(name, &["--check"])), "[exit status: 0] ", "{hand}");
    }
}

fn drift(done: &Output) -> String {
    assert_eq!(done.status.code(), Some(2), "{}", said(done));
    String::from_utf8(done.stdout.clone()).unwrap()
}

/// Standard output, which is one object.
fn json(done: &Output) -> Value {
    serde_json::from_slice(&done.stdout).unwrap_or_else(|wrong| panic!("{wrong}: {}", said(done)))
}
