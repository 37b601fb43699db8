//! `apply.sh` as it runs on a host: with owners, checks by the real programs, and units.
//!
//! `systemctl` and `dpkg-query` are stood in for, so that what is asked of them can be read.

use std::process::{Command, Output};

use crate::built::{Built, said};
use crate::host::Host;

/// Writes down what it is asked. Units are running where `/tmp/running` lies, and `/tmp/broken`
/// makes reloads fail.
const SYSTEMCTL: &str = r#"#!/bin/sh
case $1 in
    is-active | is-enabled) test -e /tmp/running ;;
    reload) printf '%s\n' "$*" >>/tmp/asked; test ! -e /tmp/broken ;;
    *) printf '%s\n' "$*" >>/tmp/asked ;;
esac
"#;

fn start(name: &str) -> Host {
    let host = Host::start(name);
    host.write("/usr/local/sbin/systemctl", SYSTEMCTL);
    host.write("/usr/local/sbin/dpkg-query", "#!/bin/sh\necho install ok installed\n");
    for program in ["systemctl", "dpkg-query"] {
        host.run(&["chmod", "0755", &format!("/usr/local/sbin/{program}")]);
    }
    host
}

/// Brings bundle and secrets to the host and runs `apply.sh` there; what was asked of systemd.
fn apply(built: &Built, host: &Host, name: &str, args: &[&str]) -> (Output, Vec<String>) {
    host.run(&["rm", "-rf", "/tmp/bundle", "/tmp/bundle.secrets", "/tmp/asked"]);
    for (from, to) in [
        (built.bundle(name), host.path("/tmp/bundle")),
        (built.secrets_folder(name), host.path("/tmp/bundle/secrets")),
    ] {
        assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap().success());
    }
    let words = [&["sh", "/tmp/bundle/apply.sh"], args].concat();
    let done = host.run(&words);
    let asked = std::fs::read_to_string(host.path("/tmp/asked")).unwrap_or_default();
    (done, asked.lines().map(str::to_owned).collect())
}

#[test]
fn a_first_apply_installs_with_owners_and_starts_the_units() {
    let built = Built::example("web.kdl");
    let host = start("app1");
    let (done, asked) = apply(&built, &host, "app1", &[]);
    assert!(done.status.success(), "{}", said(&done));
    let stat = said(&host.run(&["stat", "-c", "%a %U:%G", "/etc/app/local.conf"]));
    assert!(stat.contains("640 root:www-data"), "{stat}");
    for unit in ["csync2.socket", "cron.service"] {
        for verb in ["enable -q", "start"] {
            let wanted = format!("{verb} {unit}");
            assert_eq!(asked.iter().filter(|it| **it == wanted).count(), 1, "{wanted}: {asked:?}");
        }
    }
    host.write("/tmp/running", "");
    let (again, asked) = apply(&built, &host, "app1", &[]);
    assert!(said(&again).contains("nothing to change"), "{}", said(&again));
    assert!(asked.is_empty(), "{asked:?}");
    let leftovers = said(&host.run(&["find", "/etc", "-name", ".*.dpkg-*"]));
    assert!(!leftovers.contains("dpkg-"), "{leftovers}");
}

#[test]
fn a_changed_configuration_is_reloaded_once() {
    let built = Built::example("web.kdl");
    let host = start("lb");
    assert!(apply(&built, &host, "lb", &[]).0.status.success());
    host.write("/tmp/running", "");
    built.rebuild(&example().replace("keepalive 32", "keepalive 33"));
    let (done, asked) = apply(&built, &host, "lb", &[]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(asked, ["reload nginx.service"]);
    assert!(host.read("/etc/nginx/nginx.conf").contains("keepalive  33;"));
}

#[test]
fn what_nginx_refuses_is_put_back_and_nothing_is_reloaded() {
    let built = Built::example("web.kdl");
    let host = start("lb");
    assert!(apply(&built, &host, "lb", &[]).0.status.success());
    host.write("/tmp/running", "");
    let before = host.read("/etc/nginx/nginx.conf");
    built.rebuild(&example().replace("extra \"gzip on;\"", "extra \"gzpi on;\""));
    let (done, asked) = apply(&built, &host, "lb", &[]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains("unknown directive \"gzpi\""), "{}", said(&done));
    assert_eq!(host.read("/etc/nginx/nginx.conf"), before);
    assert!(asked.is_empty(), "{asked:?}");
    // the next apply starts from there
    built.rebuild(&example());
    let (done, _) = apply(&built, &host, "lb", &[]);
    assert!(said(&done).contains("nothing to change"), "{}", said(&done));
}

#[test]
fn what_csync2_refuses_is_put_back() {
    let built = Built::example("web.kdl");
    let host = start("app1");
    let broken = example().replace("every \"10m\"", "every \"10m\"; extra \"auto sometimes;\"");
    built.rebuild(&broken);
    let (done, asked) = apply(&built, &host, "app1", &[]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(!host.path("/etc/cron.d/clustergen-csync2").exists(), "new files are taken away");
    assert!(asked.is_empty(), "{asked:?}");
}

#[test]
fn what_cannot_be_reloaded_is_put_back_and_reloaded_again() {
    let built = Built::example("web.kdl");
    let host = start("lb");
    assert!(apply(&built, &host, "lb", &[]).0.status.success());
    for flag in ["/tmp/running", "/tmp/broken"] {
        host.write(flag, "");
    }
    let before = host.read("/etc/nginx/nginx.conf");
    built.rebuild(&example().replace("keepalive 32", "keepalive 33"));
    let (done, asked) = apply(&built, &host, "lb", &[]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert_eq!(host.read("/etc/nginx/nginx.conf"), before);
    assert_eq!(asked, ["reload nginx.service", "reload nginx.service"]);
}

#[test]
fn a_bundle_is_refused_by_every_host_but_its_own() {
    let built = Built::example("web.kdl");
    let host = start("elsewhere");
    let before = host.read("/etc/nginx/nginx.conf");
    for args in [&[][..], &["--i-am", "app1"]] {
        let (done, _) = apply(&built, &host, "lb", args);
        assert_eq!(done.status.code(), Some(1), "{}", said(&done));
        assert!(said(&done).contains("this bundle is for lb"), "{}", said(&done));
    }
    assert_eq!(host.read("/etc/nginx/nginx.conf"), before);
    let (done, _) = apply(&built, &host, "lb", &["--i-am", "lb"]);
    assert!(done.status.success(), "{}", said(&done));
}

fn example() -> String {
    std::fs::read_to_string(crate::built::examples().join("web.kdl")).unwrap()
}
