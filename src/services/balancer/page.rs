//! The page for who runs the balancer: a table of what it has to do, each with its reason, and
//! commands that show whether it does.
//!
//! Reasons are those for which our own nginx does the same.

use std::fmt::Write;
use std::net::IpAddr;

use super::{Balancer, Pool, Site};
use crate::inventory::{Host, Inventory};
use crate::model::facts::{Certificate, CertificateSource};
use crate::model::host::HostId;
use crate::model::value::Port;
use crate::quote::sh_word;
use crate::source::Span;

/// The hosts as the balancer sees them.
struct Seen<'a> {
    inventory: &'a Inventory,
    /// One of the addresses from which it connects.
    from: Option<&'a Host>,
}

/// Markdown blocks, in their order.
pub(super) fn blocks(balancer: &Balancer, path: &str, inventory: &Inventory) -> Vec<String> {
    let address = &balancer.address;
    let from = balancer.from.iter().next().map(|id| inventory.host(id));
    let seen = Seen { inventory, from };
    let from: Vec<String> = balancer
        .from
        .iter()
        .map(|id| format!("{} ({})", inventory.host(id).name, inventory.host(id).address(None).ip))
        .collect();
    let intro = format!(
        "### {address}\n\nSomebody else runs it, so nothing is installed there. Whoever does gets this page (`{path}`);\nthe hosts behind expect its connections from {}.",
        from.join(", ")
    );
    let mut table = Table::default();
    for site in &balancer.sites {
        site_rows(site, &mut table);
    }
    for stream in &balancer.streams {
        let what = format!("listens on {}", stream.port);
        let how = format!("TCP, passed on to the pool {} as it comes", code(&stream.to.value));
        table.row(&what, &how, &format!("{} is for the servers alone to read", stream.name.value));
    }
    for pool in &balancer.pools {
        let mut asked = balancer.sites.iter().flat_map(|site| &site.locations);
        let http = asked.any(|(_, to)| to.value == pool.name.value);
        pool_rows(pool, http, &seen, &mut table);
    }
    let mut blocks = vec![intro, table.text];
    blocks.extend(tests(balancer, &seen));
    blocks
}

#[derive(Default)]
struct Table {
    text: String,
}

impl Table {
    fn row(&mut self, what: &str, how: &str, why: &str) {
        if self.text.is_empty() {
            self.text.push_str("| it | how | because |\n|---|---|---|");
        }
        let _ = write!(self.text, "\n| {what} | {how} | {why} |");
    }
}

/// A word as it is, in a cell.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('|', "\\|"))
}

fn site_rows(site: &Site, table: &mut Table) {
    let name = code(&site.name.value);
    table.row(
        "listens on 443",
        &format!("TLS 1.2 and 1.3, HTTP, with a certificate for {name} that browsers trust"),
        "browsers end their TLS here",
    );
    if site.redirect_http {
        let how = format!("301 to `https://{}` with the path that was asked for", site.name.value);
        table.row("redirects on 80", &how, "who types the name comes without TLS");
    }
    for (path, to) in &site.locations {
        let path = match path.value.strip_prefix("= ") {
            Some(exact) => format!("{} and nothing below it", code(exact)),
            None => code(&path.value),
        };
        table.row(
            &format!("passes {path}"),
            &format!("to the pool {}", code(&to.value)),
            "the site has it there",
        );
    }
    table.row("answers other paths", "404", "nothing else of the servers is for the public");
    table.row(
        "sets headers",
        &format!(
            "`Host: {0}`, `X-Forwarded-Host: {0}`, `X-Forwarded-Proto: https`; the client's address at the end of `X-Forwarded-For`",
            site.name.value
        ),
        "the servers build links and cookies from them, and log who asked",
    );
}

fn pool_rows(pool: &Pool, http: bool, seen: &Seen, table: &mut Table) {
    let name = format!("pool {}", code(&pool.name.value));
    let members: Vec<String> = members(pool, seen)
        .into_iter()
        .map(|(host, port)| {
            format!("{} {}", seen.inventory.host(host).name, seen.endpoint(host, port))
        })
        .collect();
    table.row(&name, &members.join(", "), "by address: a name would be looked up once");
    if let Some((certificate, known)) = &pool.tls {
        let first = known.names.first().map(|it| it.value.as_str()).unwrap_or_default();
        let by = match authority(known) {
            Some(file) => format!("by {file}"),
            None => "by public authorities".to_owned(),
        };
        table.row(
            &format!("{name}: TLS"),
            &format!(
                "sends and verifies the name {}, {by} (certificate `{}`)",
                code(first),
                certificate.value
            ),
            "a stranger on a server's address must get nothing",
        );
    }
    match pool.affinity.as_deref() {
        Some("cookie") => table.row(
            &format!("{name}: affinity"),
            "a cookie of its own keeps a client on its server",
            "the session is on that server alone",
        ),
        Some(_) => table.row(
            &format!("{name}: affinity"),
            "the client's address keeps a client on its server",
            "the session is on that server alone",
        ),
        None => table.row(&format!("{name}: affinity"), "none", "any server can answer"),
    }
    let check = match &pool.health {
        Some((path, Some(port))) => {
            format!("GET {} over HTTP on port {port} every 5 s; 200 is well", code(path))
        }
        Some((path, None)) => {
            let scheme = if pool.tls.is_some() { "HTTPS" } else { "HTTP" };
            format!("GET {} over {scheme} every 5 s; 200 is well", code(path))
        }
        None => "a connection every 5 s".to_owned(),
    };
    table.row(&format!("{name}: health"), &check, "an open port alone may be a server that starts");
    let again = if http { "; another is asked once, unless it was a POST" } else { "" };
    let because =
        if http { "what was sent may have been done" } else { "one failure may be the network's" };
    table.row(
        &format!("{name}: failures"),
        &format!(
            "{} within {1} take a server out for {1}{again}",
            pool.max_fails, pool.fail_timeout
        ),
        because,
    );
    table.row(
        &format!("{name}: waits"),
        &format!("{} for a connection, {} for an answer", pool.connect_timeout, pool.read_timeout),
        "a server that is gone is passed by, one that works is not",
    );
}

/// Where the authority lies by which servers are verified; `None` for those that everybody trusts.
fn authority(known: &Certificate) -> Option<String> {
    match (&known.authority, &known.source) {
        (Some(file), _) => Some(format!("{}, beside the description", code(&file.value))),
        (None, CertificateSource::ClusterCa) => {
            Some("the cluster's authority, `certs/ca.pem` of the state folder".to_owned())
        }
        (None, _) => None,
    }
}

fn members(pool: &Pool, seen: &Seen) -> Vec<(HostId, Port)> {
    let all = pool.servers.iter().flat_map(|servers| {
        servers.hosts.iter().map(|host| (host.value, servers.port)).collect::<Vec<_>>()
    });
    let mut all: Vec<(HostId, Port)> = all.collect();
    all.sort_by_key(|(host, port)| (seen.inventory.host(*host).name.as_str(), *port));
    all
}

impl Seen<'_> {
    /// A server as the balancer dials it.
    fn endpoint(&self, host: HostId, port: Port) -> String {
        let host = self.inventory.host(host);
        let address = match self.from {
            Some(from) => host.address_for(None, from),
            None => host.address(None),
        };
        match address.ip {
            IpAddr::V4(v4) => format!("{v4}:{port}"),
            IpAddr::V6(v6) => format!("[{v6}]:{port}"),
        }
    }
}

/// Commands that show whether it does what it has to.
fn tests(balancer: &Balancer, seen: &Seen) -> Vec<String> {
    let mut lines = Vec::new();
    for site in &balancer.sites {
        let (name, address) = (&site.name.value, &balancer.address);
        let pool = |to: &str| balancer.pools.iter().find(|it| it.name.value == to);
        let pools: Vec<&Pool> =
            site.locations.iter().filter_map(|(_, to)| pool(&to.value)).collect();
        let path = pools.iter().find_map(|it| it.health.as_ref()).map_or("/", |(path, _)| path);
        lines.push(format!(
            "curl -sS -o /dev/null -w '%{{http_code}}\\n' --connect-to {name}:443:{address}:443 {}    # 200",
            word(&format!("https://{name}{path}"))
        ));
        if site.redirect_http {
            lines.push(format!(
                "curl -sS -o /dev/null -w '%{{http_code}} %{{redirect_url}}\\n' --connect-to {name}:80:{address}:80 http://{name}/    # 301 https://{name}/"
            ));
        }
        let Some(first) = pools.first() else { continue };
        for (host, port) in members(first, seen) {
            lines.push(member_line(first, name, path, (host, port), seen));
        }
    }
    for stream in &balancer.streams {
        let (address, port) = (&balancer.address, stream.port);
        lines.push(format!("nc -z -w 5 {address} {port} && echo open    # open"));
    }
    if lines.is_empty() {
        return Vec::new();
    }
    vec![
        "What shows that it does, with the servers one by one behind it; `ca.pem` is the authority that\nthe table names:"
            .to_owned(),
        format!("```sh\n{}\n```", lines.join("\n")),
    ]
}

/// Asks one server, as the balancer does to see whether it is up.
fn member_line(
    pool: &Pool,
    site: &str,
    path: &str,
    (host, port): (HostId, Port),
    seen: &Seen,
) -> String {
    let apart = pool.health.as_ref().and_then(|(_, port)| *port);
    let port = apart.unwrap_or(port);
    let known = pool.tls.as_ref().filter(|_| apart.is_none()).map(|(_, known)| known);
    let (scheme, verified, name) = match known {
        Some(known) => {
            let own = if authority(known).is_some() { "--cacert ca.pem " } else { "" };
            ("https", own, known.names.first())
        }
        None => ("http", "", None),
    };
    let name = name.map_or(site, |it| it.value.as_str());
    let endpoint = seen.endpoint(host, port);
    format!(
        "curl -sS -o /dev/null -w '%{{http_code}}\\n' {verified}--connect-to {name}:{port}:{endpoint} {}    # 200",
        word(&format!("{scheme}://{name}:{port}{path}"))
    )
}

/// A word that a shell leaves alone; in a path control characters are refused.
fn word(text: &str) -> String {
    sh_word(text, Span::default()).map(|it| it.as_str().to_owned()).unwrap_or_default()
}
