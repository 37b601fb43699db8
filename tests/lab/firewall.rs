//! The table of nftables for real: peers come in, a stranger on the same switch does not.
//!
//! In: bundles on hosts of namespaces, loaded as the unit says. Out: what connects from where.

use std::collections::BTreeSet;

use crate::built::{Built, said};
use crate::host::Host;
use crate::units::eventually;

const WALL: &str = r#"
cluster "wall" domain="example.org" platform="debian-12" { firewall "nftables"; }
host "n1" address="10.77.0.11" { address "10.77.0.21" for="replication"; address "fd00::11"; }
host "n2" address="10.77.0.12" { address "10.77.0.22" for="replication"; address "fd00::12"; }
host "old" address="10.77.0.13" managed=#false { address "fd00::13"; }
group "apps" { members "n1" "n2"; listens 8443 "the app -- } \\" from="old"; }
csync2 "content" { members "apps"; include "/srv/www"; }
nginx "front" {
    on "n1"
    upstream "app" { servers "old" port=8081; }
    site "www.example.org" { location "/" to="app"; }
}
"#;

/// What listens on n1, on both families: ssh, the site, somebody else's, the application, csync2.
const LISTENING: [&str; 5] = ["22", "80", "8080", "8443", "30865"];

/// Accepts on the ports that are its arguments, and says so; then nothing more.
const LISTEN: &str = r#"
use Socket qw(:all);
my $bits = '';
for my $port (@ARGV) {
    socket(my $socket, AF_INET6, SOCK_STREAM, 0) or die;
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
    setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    bind($socket, pack_sockaddr_in6($port, inet_pton(AF_INET6, "::"))) or die "$port: $!";
    listen($socket, 128) or die;
    vec($bits, fileno($socket), 1) = 1;
    push @sockets, $socket;
}
while (select(my $ready = $bits, undef, undef, undef)) {
    for my $socket (@sockets) {
        next unless vec($ready, fileno($socket), 1);
        accept(my $one, $socket) and syswrite($one, "hello\n") and close($one);
    }
}
"#;

/// Connects to an address (1st) on ports (from 2nd to 3rd), from an address (4th) where one is
/// said: a line `PORT open` or `PORT silent` for each that is not refused.
const SCAN: &str = r#"
use Socket qw(:all);
use POSIX qw(EINPROGRESS);
use Fcntl;
my ($address, $from, $to, $source) = @ARGV;
my $v6 = $address =~ /:/;
my $family = $v6 ? AF_INET6 : AF_INET;
sub at { my ($port, $ip) = @_; my $n = inet_pton($family, $ip);
    $v6 ? pack_sockaddr_in6($port, $n) : pack_sockaddr_in($port, $n) }
for my $port ($from .. $to) {
    socket(my $socket, $family, SOCK_STREAM, 0) or die;
    bind($socket, at(0, $source)) or die "$source: $!" if defined $source;
    fcntl($socket, F_SETFL, O_NONBLOCK);
    my $done = connect($socket, at($port, $address));
    if (!$done && $! == EINPROGRESS) {
        my $bits = '';
        vec($bits, fileno($socket), 1) = 1;
        if (select(undef, $bits, undef, 0.7)) {
            $done = unpack('i', getsockopt($socket, SOL_SOCKET, SO_ERROR)) == 0;
        } else {
            print "$port silent\n";
            next;
        }
    }
    print "$port open\n" if $done;
}
"#;

struct Lab {
    built: Built,
    n1: Host,
    n2: Host,
    old: Host,
    stranger: Host,
    _switch: Host,
}

impl Lab {
    /// All on one switch, n1 listening, its table not loaded yet.
    fn start() -> Self {
        let built = Built::of(WALL);
        let (n1, n2) = (built.installed("n1"), built.installed("n2"));
        let (old, stranger) = (Host::start("old"), Host::start("stranger"));
        let switch = Host::start("switch");
        let plugs = [(&n1, "11"), (&n2, "12"), (&old, "13"), (&stranger, "66")];
        let addresses = plugs.map(|(_, end)| format!("10.77.0.{end}/24"));
        let hosts: Vec<(&Host, &str)> =
            plugs.iter().zip(&addresses).map(|((host, _), ip)| (*host, ip.as_str())).collect();
        switch.join(&hosts);
        for (host, end) in plugs {
            let six = format!("fd00::{end}/64");
            good(host, &["ip", "address", "add", &six, "dev", "e0", "nodad"]);
            host.write("/tmp/listen", LISTEN);
            host.write("/tmp/scan", SCAN);
        }
        for (host, second) in [(&n1, "10.77.0.21/24"), (&n2, "10.77.0.22/24")] {
            good(host, &["ip", "address", "add", second, "dev", "e0"]);
        }
        for host in [&n1, &n2] {
            host.daemon(&[&["perl", "/tmp/listen"], LISTENING.as_slice()].concat());
        }
        old.daemon(&["perl", "/tmp/listen", "8081"]);
        for (host, last) in [(&n1, "30865"), (&n2, "30865"), (&old, "8081")] {
            eventually("it listens", || {
                found(host, "::1", last, None).contains("open").then_some(())
            });
        }
        Self { built, n1, n2, old, stranger, _switch: switch }
    }

    fn load(&self) {
        for host in [&self.n1, &self.n2] {
            unit(host, "ExecStart");
        }
    }
}

fn good(host: &Host, words: &[&str]) -> String {
    let done = host.run(words);
    assert!(done.status.success(), "{words:?}: {}", said(&done));
    String::from_utf8(done.stdout).unwrap()
}

/// Does what the unit does.
fn unit(host: &Host, what: &str) {
    let text = host.read("/etc/systemd/system/clustergen-firewall-wall.service");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{what}="))).unwrap();
    let words: Vec<&str> = line.trim_start_matches('-').split(' ').collect();
    good(host, &words);
}

/// `open`, `silent`, or nothing where it is refused.
fn found(from: &Host, address: &str, port: &str, source: Option<&str>) -> String {
    let mut words = vec!["perl", "/tmp/scan", address, port, port];
    words.extend(source);
    good(from, &words).trim().rsplit(' ').next().unwrap().to_owned()
}

/// All that can be seen of n1 by a scan of every port.
fn scan(from: &Host, address: &str) -> BTreeSet<String> {
    good(from, &["perl", "/tmp/scan", address, "1", "65535"]).lines().map(str::to_owned).collect()
}

fn seen(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// The rules without their counters.
fn rules(host: &Host) -> String {
    good(host, &["nft", "-s", "list", "ruleset"])
}

#[test]
fn a_stranger_finds_the_clusters_ports_silent_and_all_others_as_they_were() {
    let lab = Lab::start();
    let all = LISTENING.map(|port| format!("{port} open"));
    let before: BTreeSet<String> = all.into_iter().collect();
    assert_eq!(scan(&lab.stranger, "10.77.0.11"), before);
    lab.load();
    let after = ["22 open", "80 open", "8080 open", "8443 silent", "30865 silent"];
    assert_eq!(scan(&lab.stranger, "10.77.0.11"), seen(&after));
    for address in ["10.77.0.21", "fd00::11"] {
        let seen = after.map(|line| line.split_once(' ').unwrap());
        for (port, what) in seen {
            assert_eq!(found(&lab.stranger, address, port, None), what, "{address}:{port}");
        }
    }
    // a host of the cluster is a stranger to what it has no business with
    assert_eq!(found(&lab.n2, "10.77.0.11", "8443", None), "silent");
    assert_eq!(found(&lab.old, "fd00::11", "30865", None), "silent");
}

#[test]
fn everything_that_links_tells_is_reachable_from_every_address_of_the_peer() {
    let lab = Lab::start();
    lab.load();
    let links = lab.built.links();
    let (mut tried, hosts) = (0, links["hosts"].as_array().unwrap());
    let addresses = |name: &str| -> Vec<String> {
        let host = hosts.iter().find(|host| host["name"] == name).unwrap();
        let list = host["addresses"].as_array().unwrap();
        list.iter().map(|ip| ip.as_str().unwrap().to_owned()).collect()
    };
    for link in links["links"].as_array().unwrap() {
        let names = |end: &str| -> Vec<String> {
            let list = link[end].as_array().unwrap();
            list.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        for from in names("from") {
            let host = match from.as_str() {
                "n1" => &lab.n1,
                "n2" => &lab.n2,
                _ => &lab.old,
            };
            for source in addresses(&from) {
                let alike = |ip: &String| ip.contains(':') == source.contains(':');
                for to in names("to").iter().flat_map(|to| addresses(to)).filter(alike) {
                    let port = link["port"].to_string();
                    let came = found(host, &to, &port, Some(&source));
                    assert_eq!(came, "open", "{from} ({source}) to {to}:{port}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried >= 20, "{tried} ways were tried");
    // loopback, and oneself by one's own address
    for address in ["127.0.0.1", "::1", "10.77.0.11", "fd00::11"] {
        assert_eq!(found(&lab.n1, address, "8443", None), "open", "{address}");
    }
}

#[test]
fn a_reload_doubles_nothing_and_a_broken_file_changes_nothing() {
    let built = Built::of(WALL);
    let host = built.installed("n1");
    let own = "table inet own {\nchain input {\ntype filter hook input priority 5;\n}\n}\n";
    host.write("/tmp/own.nft", own);
    good(&host, &["nft", "-f", "/tmp/own.nft"]);
    good(&host, &["nft", "-c", "-f", "/etc/clustergen/wall/firewall.nft"]);
    assert!(!rules(&host).contains("clustergen"), "a check loads nothing");
    unit(&host, "ExecStart");
    let once = rules(&host);
    assert!(once.contains("table inet clustergen_wall") && once.contains("table inet own"));
    unit(&host, "ExecReload");
    assert_eq!(rules(&host), once);
    let path = "/etc/clustergen/wall/firewall.nft";
    let text = host.read(path);
    host.write(path, &text.replace("counter drop", "counter dorp"));
    assert!(!host.run(&["nft", "-c", "-f", path]).status.success());
    assert!(!host.run(&["nft", "-f", path]).status.success());
    assert_eq!(rules(&host), once);
}

#[test]
fn behind_the_stopped_unit_no_table_is_left_and_everything_is_open() {
    let lab = Lab::start();
    lab.load();
    assert_eq!(found(&lab.stranger, "10.77.0.11", "8443", None), "silent");
    unit(&lab.n1, "ExecStop");
    assert_eq!(rules(&lab.n1), "");
    assert_eq!(found(&lab.stranger, "10.77.0.11", "8443", None), "open");
    assert_eq!(found(&lab.stranger, "fd00::11", "30865", None), "open");
}

#[test]
fn systemd_has_nothing_to_say_of_the_unit() {
    let built = Built::of(WALL);
    let host = built.installed("n1");
    let path = "/etc/systemd/system/clustergen-firewall-wall.service";
    let done = host.run(&["systemd-analyze", "--man=no", "verify", path]);
    let silent = done.stdout.is_empty() && done.stderr.is_empty();
    assert!(done.status.success() && silent, "{}", said(&done));
}
