//! What a running nginx and its clients see of an apply: of bad files nothing, of good ones no
//! more than the change.

use std::collections::BTreeSet;
use std::fs;

use crate::built::Built;
use crate::bundle::{bad, good};
use crate::cluster::Lab;
use crate::host::Host;
use crate::units::eventually;

/// A load balancer before a server that it verifies.
const WEB: &str = r#"
cluster "web" domain="example.org" platform="debian-12" { TEMPLATES }
host "lb" address="192.0.2.10"
host "app" address="192.0.2.21"
certificate "app" { names "app.example.org" "www.example.org" }
nginx "front" {
    on "lb"
    upstream "app" { servers "app" port=443; tls "app"; keepalive 16 }
    site "www.example.org" {
        location "/" to="app"
        location "= /which" redirect="https://one.example.org/"
    }
    EXTRA
}
nginx "behind" {
    on "app"
    site "app.example.org" {
        alias "www.example.org"
        certificate "app"
        extra "location = /hello { return 200 hello; }"
    }
}
"#;

/// The description, with some of its words changed.
fn web(changes: &[(&str, &str)]) -> String {
    let mut text = WEB.to_owned();
    for (from, to) in changes.iter().chain(&[("TEMPLATES", ""), ("EXTRA", "")]) {
        assert!(text.contains(from) || to.is_empty(), "{from} is not in the description");
        text = text.replace(from, to);
    }
    text
}

/// Both hosts with their bundles, nginx running.
fn applied(built: &Built) -> Lab<'_> {
    let lab = Lab::of(built);
    for name in ["app", "lb"] {
        good(&lab.apply(name));
    }
    assert_eq!(page(&lab["lb"]), "hello");
    assert_eq!(which(&lab["lb"]), "https://one.example.org/");
    lab
}

/// What clients get that the server behind answers.
fn page(lb: &Host) -> String {
    curl(lb, &["http://www.example.org/hello"])
}

/// Where the load balancer itself sends clients, which tells its configurations apart.
fn which(lb: &Host) -> String {
    curl(lb, &["-o", "/dev/null", "-w", "%{redirect_url}", "http://www.example.org/which"])
}

fn curl(lb: &Host, args: &[&str]) -> String {
    let here = ["curl", "-sS", "-m5", "--resolve", "www.example.org:80:192.0.2.10"];
    let done = lb.run(&[&here, args].concat());
    good(&done);
    String::from_utf8(done.stdout).unwrap()
}

/// Waits until nginx has taken that up: it is asked by a signal.
fn serves(lb: &Host, name: &str) {
    let at = format!("https://{name}.example.org/");
    eventually("nginx serves it", || (which(lb) == at).then_some(()));
}

/// nginx's first process and those that serve: a reload makes others of them.
fn processes(lb: &Host) -> (String, String) {
    let master = good(&lb.run(&["systemctl", "show", "-p", "MainPID", "nginx.service"]));
    (master, workers(lb))
}

fn workers(lb: &Host) -> String {
    good(&lb.run(&["pgrep", "-f", "^nginx: worker process$"]))
}

/// Clients that go on asking for pages: some over connections that they keep, some over new ones.
struct Clients<'a> {
    lb: &'a Host,
}

const ASK: &str = r#"
ask() { curl -sS -m5 --resolve www.example.org:80:192.0.2.10 -w '\n%{http_code}\n' "$@" 'http://www.example.org/hello?[1-25]'; }
while [ ! -e /tmp/enough ]; do ask; done >/tmp/kept 2>&1 &
while [ ! -e /tmp/enough ]; do ask -H 'Connection: close'; done >/tmp/new 2>&1 &
wait
: >/tmp/ended
"#;

impl<'a> Clients<'a> {
    fn start(lb: &'a Host) -> Self {
        lb.daemon(&["sh", "-c", ASK]);
        let clients = Self { lb };
        clients.answers(1);
        clients
    }

    /// Waits for so many answers more.
    fn answers(&self, more: usize) {
        let count = || -> usize { self.log().lines().filter(|it| *it == "200").count() };
        let before = count();
        eventually("answers", || (count() >= before + more).then_some(()));
    }

    fn log(&self) -> String {
        let read = |path| fs::read_to_string(self.lb.path(path)).unwrap_or_default();
        read("/tmp/kept") + &read("/tmp/new")
    }

    /// How many answers they got, and not one of them was a failure.
    fn end(self) -> usize {
        self.lb.write("/tmp/enough", "");
        eventually("the clients end", || self.lb.path("/tmp/ended").exists().then_some(()));
        let log = self.log();
        let odd: Vec<&str> = log.lines().filter(|it| !["hello", "200"].contains(it)).collect();
        assert!(odd.is_empty(), "{odd:?}");
        log.lines().filter(|it| *it == "200").count()
    }
}

/// Writes down what happens below a folder.
fn watch(host: &Host, folder: &str) {
    let script = format!(
        "exec inotifywait -m -r -e modify,create,moved_to,attrib,delete --format %w%f \
         {folder} >/tmp/seen 2>/tmp/watches"
    );
    host.daemon(&["sh", "-c", &script]);
    eventually("inotifywait watches", || {
        let said = fs::read_to_string(host.path("/tmp/watches")).unwrap_or_default();
        said.contains("Watches established").then_some(())
    });
}

/// What happened below the folder, each path once. A file of the test's own comes last, so that
/// what came before it has been written down.
fn seen(host: &Host, folder: &str) -> BTreeSet<String> {
    let last = format!("{folder}/last");
    host.write(&last, "");
    let read = || host.read("/tmp/seen");
    eventually("inotifywait sees", || read().contains(&last).then_some(()));
    host.without(&last);
    read().lines().filter(|it| *it != last).map(str::to_owned).collect()
}

/// Has the load balancer refuse the bundle, in front of clients and a watcher; the paths below
/// `/etc/nginx` at which the watcher saw something.
fn refused(lab: &Lab, words: [&str; 2]) -> BTreeSet<String> {
    let lb = &lab["lb"];
    let (running, before) = (processes(lb), lab.snapshot("lb"));
    watch(lb, "/etc/nginx");
    let clients = Clients::start(lb);
    let done = lab.apply("lb");
    for word in words {
        bad(&done, word);
    }
    clients.answers(100);
    assert!(clients.end() > 100);
    assert_eq!(processes(lb), running, "nothing was reloaded");
    let seen = seen(lb, "/etc/nginx");
    let own =
        |it: &String| ["/etc", "/usr", "/var/lib/clustergen"].iter().any(|of| it.starts_with(of));
    let changes: Vec<String> =
        before.changes(&lab.snapshot("lb")).into_iter().filter(own).collect();
    assert!(changes.is_empty(), "{changes:?}");
    // what it would read if it were asked now
    good(&lb.run(&["systemctl", "reload", "nginx.service"]));
    eventually("nginx takes it up", || (workers(lb) != running.1).then_some(()));
    assert_eq!(which(lb), "https://one.example.org/");
    seen
}

const UNKNOWN: &str = "unknown directive \"gzpi\"";

#[test]
fn what_nginx_refuses_is_not_installed_for_a_moment() {
    let built = Built::of(&web(&[]));
    let lab = applied(&built);
    built.rebuild(&web(&[("EXTRA", "extra \"gzpi on;\"")]));
    assert_eq!(refused(&lab, [UNKNOWN, "nothing was installed"]), BTreeSet::new());
}

#[test]
fn what_nginx_refuses_of_a_template_of_ones_own_is_not_installed_either() {
    let (ours, given) = ("sendfile             on;", "gzpi on;");
    let text = include_str!("../../templates/nginx/nginx.conf.tera");
    assert!(text.contains(ours));
    let built = Built::prepared(&web(&[]), |folder| {
        let to = folder.join("templates/nginx");
        fs::create_dir_all(&to).unwrap();
        fs::write(to.join("nginx.conf.tera"), text.replace(ours, given)).unwrap();
    });
    let lab = applied(&built);
    built.rebuild(&web(&[("TEMPLATES", "templates \"templates\"")]));
    assert_eq!(refused(&lab, [UNKNOWN, "nothing was installed"]), BTreeSet::new());
}

#[test]
fn where_no_namespace_can_be_made_it_is_put_back_before_a_reload() {
    let built = Built::of(&web(&[]));
    let lab = applied(&built);
    lab["lb"].program("/usr/local/sbin/unshare", "#!/bin/sh\nexit 1\n");
    built.rebuild(&web(&[("EXTRA", "extra \"gzpi on;\"")]));
    let seen = refused(&lab, [UNKNOWN, "nothing was reloaded"]);
    assert!(seen.contains("/etc/nginx/nginx.conf"), "{seen:?}");
}

#[test]
fn a_reload_under_load_fails_no_request() {
    let built = Built::of(&web(&[]));
    let lab = applied(&built);
    let lb = &lab["lb"];
    let (master, before) = processes(lb);
    let clients = Clients::start(lb);
    built.rebuild(&web(&[("keepalive 16", "keepalive 32"), ("//one.", "//two.")]));
    assert!(good(&lab.apply("lb")).contains("lb: 1 changed"));
    serves(lb, "two");
    clients.answers(500);
    assert!(clients.end() > 500);
    let (same, after) = processes(lb);
    assert_eq!(same, master, "it is the same nginx");
    assert!(before.lines().all(|it| !after.lines().any(|other| it == other)), "{before} {after}");
}

#[test]
fn each_rollback_serves_what_was_served_one_apply_before() {
    let built = Built::of(&web(&[]));
    let lab = applied(&built);
    let lb = &lab["lb"];
    for name in ["two", "three"] {
        built.rebuild(&web(&[("//one.", &format!("//{name}."))]));
        good(&lab.apply("lb"));
        serves(lb, name);
    }
    for name in ["two", "one"] {
        assert!(good(&lab.ask("lb", &["--rollback"])).contains("lb: 1 changed"));
        serves(lb, name);
        assert_eq!(page(lb), "hello");
    }
    bad(&lab.ask("lb", &["--rollback"]), "no bundle was here before this one");
    serves(lb, "one");
    // and forward again
    good(&lab.ask("lb", &[]));
    serves(lb, "three");
}
