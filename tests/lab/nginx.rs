//! nginx reads `nginx.conf` without a word of complaint, whatever options were used.

use std::collections::BTreeSet;

use crate::built::{Built, example_names, said};
use crate::host::Host;
use crate::nginx_conf::{Directive, parse};

/// Every option of `schema/nginx.kdl`, on a host with IPv4, one with both, and one with an nginx
/// from before `ssl_reject_handshake`.
const EVERYTHING: &str = r#"
cluster "all" domain="example.org" platform="debian-12"
host "four" address="192.0.2.10"
host "six" address="2001:db8::10"
host "old" address="192.0.2.12"
host "app1" address="192.0.2.21"
host "app2" address="2001:db8::22"
group "apps" { members "app1" "app2"; listens 80 "the application" }
certificate "www" { names "www.example.org" "example.org" "plain-tls.example.org" }
certificate "app" { names "app.example.org" }
certificate "other" { names "other.example.org" }
certificate "behind" { names "behind.example.org"; on "apps" cert="/etc/b.crt" key="/etc/b.key" }

nginx "a-four" { on "four"; BODY }
nginx "b-six" { on "six"; BODY }
nginx "c-old" { on "old"; version "1.18.0"; BODY }
"#;

const BODY: &str = r#"
    worker-connections 128
    upstream "app" {
        servers "app1" port=80 weight=5
        servers "app2" port=80 backup=#true
        max-fails 0
        fail-timeout "30s"
        keepalive 1
    }
    upstream "by-address" { servers "apps" port=8080; affinity "client-ip" }
    upstream "by-cookie" { servers "apps" port=8443; affinity "cookie"; tls "behind" }
    upstream "by-cookie-2" { servers "apps" port=9000 weight=2; affinity "cookie" }
    upstream "secure" { servers "apps" port=9443; tls "behind" }
    site "www.example.org" {
        alias "example.org"
        certificate "www"
        redirect-http
        hsts "2w"
        max-body "1G"
        location "/" to="secure" {
            connect-timeout "1s"
            read-timeout "1h"
            request-header "X-One" "1"
            request-header "X-Two" "a; \"b\" {c} 'd' \\ #e"
            response-header "X-Three" "with space"
            response-header "X-Four" "ä"
            extra "proxy_buffering off;\nproxy_request_buffering off;"
        }
        location "/sticky" to="by-cookie"
        location "^~ /images" to="app"
        location "= /exact" to="by-address"
        location "~ ^/a{2,3}(b|c)$" to="app"
        location "~* \\.(?:jpg|png)$" to="by-cookie-2"
        location "/gone" redirect="https://example.org/?a=b&c=d;e" { response-header "X-Why" "moved" }
        extra "gzip on;"
    }
    site "plain-tls.example.org" { certificate "www"; location "/" to="secure" }
    site "plain.example.org" {
        location "= /" redirect="http://example.org/"
        location "/sticky" to="by-cookie-2"
    }
    stream "raw" port=5500 {
        servers "apps" port=5500
        affinity "client-ip"
        connect-timeout "5s"
        idle-timeout "30m"
    }
    stream "raw2" port=5577 { servers "app1" port=5577 }
    extra "map $host $unused { default 1; }"
"#;

fn everything() -> String {
    EVERYTHING.replace("BODY", BODY)
}

#[test]
fn nginx_accepts_every_option_without_a_warning() {
    let built = Built::of(&everything());
    for name in ["four", "six", "old"] {
        accepts(&built, name);
    }
}

#[test]
fn the_description_above_uses_every_option_of_the_schema() {
    let schema = include_str!("../../schema/nginx.kdl");
    let text = everything();
    let words: BTreeSet<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
    for line in schema.lines() {
        let line = line.trim_start();
        let option = ["child \"", "prop \""].iter().find_map(|it| line.strip_prefix(it));
        let Some(name) = option.and_then(|it| it.split('"').next()) else { continue };
        assert!(words.contains(name), "`{name}` is not tried on nginx: add it");
    }
}

#[test]
fn nginx_accepts_every_example() {
    let mut tried = 0;
    for example in example_names() {
        let built = Built::example(&example);
        for name in built.hosts() {
            if built.bundle(&name).join("files/etc/nginx/nginx.conf").exists() {
                accepts(&built, &name);
                tried += 1;
            }
        }
    }
    assert!(tried >= 2, "the examples have nginx on {tried} hosts");
}

#[test]
fn no_directive_stands_twice_where_it_may_stand_once() {
    let built = Built::of(&everything());
    for name in ["four", "six", "old"] {
        let host = built.installed(name);
        let done = host.run(&["nginx", "-T", "-q"]);
        let text = String::from_utf8(done.stdout).unwrap();
        assert!(text.contains("ssl_protocols"), "nginx -T said nothing: {text}");
        let config = parse(&text).unwrap();
        once_each(&config, "the top");
    }
}

#[test]
fn an_ipv6_host_listens_on_both_families_and_an_ipv4_host_does_not() {
    let built = Built::of(&everything());
    for (name, both) in [("four", false), ("six", true)] {
        let mut ports: BTreeSet<String> = BTreeSet::new();
        let config = parse(&built.file(name, "/etc/nginx/nginx.conf")).unwrap();
        for part in [only(&config, "http"), only(&config, "stream")] {
            for server in part.named("server") {
                ports.extend(server.named("listen").map(|it| it.words[1].clone()));
            }
        }
        for port in ["80", "443", "5500", "5577"] {
            assert!(ports.contains(port), "{name} listens on {ports:?}");
            assert_eq!(ports.contains(&format!("[::]:{port}")), both, "{name}: {ports:?}");
        }
    }
}

#[test]
fn from_1_25_1_on_http2_is_a_directive() {
    let kdl = everything().replace("on \"four\";", "on \"four\"; version \"1.26.0\";");
    let built = Built::of(&kdl);
    let config = parse(&built.file("four", "/etc/nginx/nginx.conf")).unwrap();
    let servers: Vec<&Directive> = only(&config, "http").named("server").collect();
    assert!(servers.iter().any(|it| it.named("http2").count() == 1));
    let listens = servers.iter().flat_map(|it| it.named("listen"));
    assert!(listens.into_iter().all(|it| !it.words.contains(&"http2".to_owned())));
}

#[test]
fn nginx_refuses_a_file_with_one_character_missing() {
    // proof that the tests above can fail
    let built = Built::example("web.kdl");
    let host = built.installed("lb");
    let text = host.read("/etc/nginx/nginx.conf").replacen(
        "keepalive_timeout    65s;",
        "keepalive_timeout 65s",
        1,
    );
    host.write("/etc/nginx/nginx.conf", &text);
    assert!(!host.run(&["nginx", "-t"]).status.success());
    assert!(parse("http { server { listen 80 } }").is_err());
}

#[test]
fn raw_lines_are_there_without_a_site_of_ours() {
    let built = Built::of(&front(
        r#"stream "raw" port=636 { servers "app" port=636 }
        extra "server { listen 8080; return 204; }""#,
    ));
    accepts(&built, "lb");
    assert!(built.file("lb", "/etc/nginx/nginx.conf").contains("listen 8080;"));
}

#[test]
fn names_of_one_kind_do_not_meet_those_of_another() {
    // an upstream and a stream of one name, and names that nginx.conf has of its own
    let kdl = r#"
cluster "c" domain="example.org" platform="debian-12"
host "lb" address="192.0.2.1"
host "app" address="192.0.2.2"
certificate "www" { names "www.example.org" }
nginx "n" {
    on "lb"
    upstream "ldaps" { servers "app" port=80; affinity "cookie" }
    upstream "tls" { servers "app" port=81 }
    upstream "upstream" { servers "app" port=82; affinity "cookie" }
    site "www.example.org" {
        certificate "www"
        location "/" to="ldaps"
        location "/tls" to="tls"
        location "/upstream" to="upstream"
    }
    stream "ldaps" port=636 { servers "app" port=636 }
    stream "tcp" port=637 { servers "app" port=637 }
}
"#;
    accepts(&Built::of(kdl), "lb");
}

#[test]
fn names_may_be_as_long_as_dns_allows() {
    let (label, header) = ("a".repeat(63), "X".repeat(46));
    let domain = format!("{label}.{label}.{label}.{}.org", "b".repeat(57));
    assert_eq!(domain.len(), 253);
    let kdl = format!(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "lb" address="192.0.2.1"
host "{label}" address="192.0.2.2"
nginx "n" {{
    on "lb"
    upstream "{label}" {{ servers "{label}" port=80; affinity "cookie" }}
    site "{}" {{ alias "{domain}"; location "/" to="{label}" {{ request-header "{header}" "1" }} }}
    stream "{label}" port=636 {{ servers "{label}" port=636 }}
}}
"#,
        &domain[10..]
    );
    accepts(&Built::of(&kdl), "lb");
}

#[test]
fn a_header_of_ones_own_replaces_the_one_that_nginx_would_send() {
    let built =
        Built::of(&front(&site(r#""/" to="app" { request-header "host" "inside.example.org" }"#)));
    accepts(&built, "lb");
    let config = parse(&built.file("lb", "/etc/nginx/nginx.conf")).unwrap();
    let site = only(&config, "http")
        .named("server")
        .find(|it| it.named("server_name").any(|it| it.words[1] == "www.example.org"))
        .unwrap();
    let headers: Vec<&str> = only(site, "location")
        .named("proxy_set_header")
        .filter(|it| it.words[1].eq_ignore_ascii_case("host"))
        .map(|it| it.words[2].as_str())
        .collect();
    assert_eq!(headers, ["inside.example.org"], "a request with two of them is refused by servers");
}

#[test]
fn two_spellings_of_one_location_are_refused() {
    let kdl = front(&site(r#""/a" to="app"; location "^~ /a" to="app""#));
    // nginx says `duplicate location`
    refused(&kdl, "the location `/a` is there twice");
}

#[test]
fn what_is_longer_than_nginx_reads_is_refused() {
    let with = |header: &str, value: usize| {
        let value = "\\\\".repeat(value);
        front(&site(&format!(r#""/" to="app" {{ request-header "{header}" "{value}" }}"#)))
    };
    accepts(&Built::of(&with("X-A", 1999)), "lb");
    // `too long parameter`, `proxy_headers_hash`, and a log's `File name too long`
    refused(&with("X-A", 2000), "nginx reads no word of more than 4000 bytes");
    refused(&with(&"X".repeat(47), 1), "nginx takes headers with names of 46 characters");
    let site = format!("{}.example.org", ["a"; 120].join("."));
    let kdl = with("X-A", 1).replace("www.example.org", &site);
    refused(&kdl, "the site's name is too long for the names of its logs");
}

#[test]
fn many_headers_are_no_reason_for_a_warning() {
    let header = |it: u32| format!("request-header \"X-A-Header-Of-Mine-{it}\" \"1\"");
    let headers = (0..60).map(header).collect::<Vec<_>>().join("; ");
    let kdl = front(&site(&format!(r#""/" to="app" {{ {headers} }}"#)));
    accepts(&Built::of(&kdl), "lb");
}

/// An nginx on `lb` with an upstream `app`, and what else is in it.
fn front(inside: &str) -> String {
    format!(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "lb" address="192.0.2.1"
host "app" address="192.0.2.2"
nginx "n" {{
    on "lb"
    upstream "app" {{ servers "app" port=80 }}
    {inside}
}}
"#
    )
}

/// A site with a location.
fn site(location: &str) -> String {
    format!(r#"site "www.example.org" {{ location {location} }}"#)
}

/// The one fault of a description.
fn refused(kdl: &str, why: &str) {
    let faults = Built::faults(kdl);
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    assert!(fault.text.contains(why), "{}", fault.text);
}

/// Installs a bundle and lets nginx read all of it.
fn accepts(built: &Built, name: &str) {
    let host = built.installed(name);
    quiet(&host, &format!("{name}: {}", built.file(name, "/etc/nginx/nginx.conf")));
}

/// `nginx -t` is content and says nothing else.
pub(crate) fn quiet(host: &Host, what: &str) {
    let done = host.run(&["nginx", "-t"]);
    let told = said(&done);
    let complaint = ["[warn]", "[error]", "[crit]", "[alert]", "[emerg]"];
    let silent = complaint.iter().all(|it| !told.contains(it));
    assert!(done.status.success() && silent, "nginx -t: {told}\n{what}");
}

/// The one directive of a name.
pub(crate) fn only<'a>(block: &'a Directive, name: &'a str) -> &'a Directive {
    let mut found = block.named(name);
    let first = found.next().unwrap_or_else(|| panic!("no `{name}`"));
    assert!(found.next().is_none(), "two of `{name}`");
    first
}

/// Directives that may be there again, and how many words have to differ then.
const REPEATED: [(&str, usize); 15] = [
    ("load_module", 2),
    ("include", 2),
    ("server", 2),
    ("location", 3),
    ("upstream", 2),
    ("map", 3),
    ("listen", 2),
    ("log_format", 2),
    ("add_header", 2),
    ("proxy_set_header", 2),
    ("http", 1),
    ("stream", 1),
    ("events", 1),
    ("types", 1),
    ("access_log", 2),
];

fn once_each(directive: &Directive, place: &str) {
    // the lines of these are data
    if ["types", "map"].contains(&directive.words.first().map_or("", String::as_str)) {
        return;
    }
    let mut seen: BTreeSet<Vec<String>> = BTreeSet::new();
    for child in directive.inside() {
        let many = REPEATED.iter().find(|(name, _)| *name == child.name());
        let key: Vec<String> = match many {
            // blocks without a name
            Some(("server", _)) if child.block.is_some() => Vec::new(),
            Some((_, words)) => {
                child.words.iter().take(*words).map(|it| it.to_lowercase()).collect()
            }
            None => vec![child.name().to_owned()],
        };
        let fresh = key.is_empty() || seen.insert(key);
        assert!(fresh, "{:?} is in {place} twice", child.words);
        once_each(child, &format!("{place} > {}", child.words.join(" ")));
    }
}
