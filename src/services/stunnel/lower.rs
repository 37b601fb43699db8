//! What one host has of a tunnel: an end of it, or both.

use super::super::lowering::Owner;
use super::super::pair::{pair_paths, revoked_beside};
use super::super::{Located, Lowering};
use super::Stunnel;
use crate::inventory::Host;
use crate::model::facts::CertificateSource;
use crate::model::host::HostId;
use crate::model::plan::{Body, Condition, OnChange};
use crate::model::value::AbsPath;
use crate::model::view::Fields;
use crate::quote::{Text, fixed, plain, raw_lines, sh_word};
use crate::services::Service;
use crate::source::{Span, Spanned};

/// Nobody has an address of this network (RFC 1112, 4): what is to listen there ends.
const NOWHERE: &str = "240.0.0.1:1";

pub(super) fn lower(service: &Located<Stunnel>, cx: &mut Lowering) {
    let (tunnel, owner) = (service.options, service.owner());
    let package = cx.fact("stunnel.package", owner);
    if package.is_empty() {
        return;
    }
    cx.package(owner, package);
    cx.directory(owner, &tunnel.here(), 0o755);
    let mut reads = tunnel.lower_pairs(owner, cx);
    reads.extend(tunnel.lower_authorities(owner, cx));
    let configuration = format!("{}/stunnel.conf", tunnel.here());
    let view = tunnel.view(owner, cx);
    cx.template(owner, &configuration, 0o644, "stunnel/stunnel.conf", view, tunnel.restart());
    reads.push(configuration.clone());
    let program = cx.fact("stunnel.program", owner);
    let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
    cx.check(owner, &check(&program, &configuration), &[0], &reads);
    let view = Fields::new(tunnel.span)
        .text("name", fixed(&tunnel.name, tunnel.span))
        .text("program", fixed(&program, tunnel.span))
        .text("configuration", fixed(&configuration, tunnel.span));
    let unit = format!("/etc/systemd/system/{}", tunnel.unit());
    cx.template(owner, &unit, 0o644, "stunnel/stunnel.service", view, tunnel.restart());
    cx.unit(owner, &tunnel.unit(), &[]);
    tunnel.prove(owner, cx);
}

/// stunnel reads all of a file, and keys with it, before it listens; what it says counts, as it
/// cannot listen where it is told to here.
fn check(program: &str, configuration: &str) -> String {
    format!(
        "said=$(sed \"s/^accept .*/accept = {NOWHERE}/\" {configuration} | timeout 10 {program} -fd 0 2>&1); \
         case $said in *\"Configuration successful\"*) ;; \
         *) printf \"%s\\n\" \"$said\" | grep -v \"^\\[[ .]\\]\"; exit 1 ;; esac"
    )
}

impl Stunnel {
    /// Connections end, and clients make new ones: it cannot read its key again.
    fn restart(&self) -> OnChange {
        OnChange::Restart(self.unit())
    }

    fn is_server(&self, cx: &Lowering) -> bool {
        self.servers.iter().any(|it| it.value == cx.host)
    }

    fn is_client(&self, cx: &Lowering) -> bool {
        self.clients.iter().any(|it| it.value == cx.host)
    }

    /// Where stunnel finds what this host shows: as a server, or as a client.
    fn pair(&self, as_server: bool) -> [String; 2] {
        match self.certificate.as_ref().filter(|_| as_server) {
            Some((name, known)) => pair_paths(known, self.own_pair(&format!("{}.", name.value))),
            None => self.own_pair(""),
        }
    }

    /// The pairs that this host shows; the paths that were made.
    fn lower_pairs(&self, owner: Owner, cx: &mut Lowering) -> Vec<String> {
        let mut made = Vec::new();
        let given = self.certificate.as_ref().filter(|_| self.is_server(cx));
        if let Some((name, known)) = given {
            if let CertificateSource::OnHost { cert, key } = &known.source {
                let readers = format!("{}/stunnel.conf", self.here());
                cx.kept_by_others(owner, (&name.value, known), [cert, key], &[&readers]);
            } else {
                made.extend(self.lower_pair(&name.value, self.pair(true), owner, cx));
            }
        }
        if given.is_none() || self.is_client(cx) {
            made.extend(self.lower_pair(Self::KIND, self.pair(false), owner, cx));
        }
        made
    }

    fn lower_pair(
        &self,
        name: &str,
        [cert, key]: [String; 2],
        owner: Owner,
        cx: &mut Lowering,
    ) -> [String; 2] {
        let pem = cx.leaf(name).map(|leaf| leaf.pem.clone()).unwrap_or_default();
        let token = cx.private_key(name);
        cx.root_file(owner, &cert, 0o644, Body::Certificate { pem }, self.restart());
        cx.root_file(owner, &key, 0o600, Body::Secret { token }, self.restart());
        let at = Spanned::new(AbsPath::known(&cert), owner.origin.span);
        cx.shipped_lasts(owner, &at, Condition::default());
        [cert, key]
    }

    /// The authorities by which this host verifies, and what they have revoked; the paths that were
    /// made.
    fn lower_authorities(&self, owner: Owner, cx: &mut Lowering) -> Vec<String> {
        let platform = cx.this().platform.clone();
        let cluster = self.clients_authority();
        let mut made = Vec::new();
        for path in self.authorities(cx.host, &platform) {
            let pem = match &self.certificate {
                Some((name, _)) if path != cluster => cx.authority_of(&name.value),
                _ => cx.authority(),
            };
            let list = revoked_beside(&cluster).is_some_and(|it| it == path);
            let pem = if list { cx.settled.crl.as_deref().map(str::to_owned) } else { Some(pem) };
            let Some(pem) = pem else { continue };
            cx.root_file(owner, &path, 0o644, Body::Certificate { pem }, self.restart());
            made.push(path);
        }
        made
    }

    fn view(&self, owner: Owner, cx: &mut Lowering) -> Fields {
        let (user, group) = (cx.fact("stunnel.user", owner), cx.fact("stunnel.group", owner));
        let mut sections = Vec::new();
        if self.is_server(cx) {
            sections.push(self.server_section(cx));
        }
        if self.is_client(cx) {
            sections.push(self.client_section(cx));
        }
        Fields::new(self.span)
            .text("user", fixed(&user, self.span))
            .text("group", fixed(&group, self.span))
            .list("sections", sections)
    }

    fn server_section(&self, cx: &mut Lowering) -> Fields {
        // `::` takes IPv4 as well (bindv6only is off unless somebody sets it)
        let any = if cx.this().has_ipv6() { "::" } else { "0.0.0.0" };
        let accept = format!("{any}:{}", self.port.value);
        let connect = (format!("127.0.0.1:{}", self.to.value), self.to.span);
        let peers: Vec<(String, Span)> = self
            .clients
            .iter()
            .map(|it| (cx.inventory.host(it.value).fqdn.clone(), it.span))
            .collect();
        let name =
            if self.is_client(cx) { format!("{}-server", self.name) } else { self.name.clone() };
        let section = self.section(&name, (&accept, self.port.span), &[connect], &peers, cx);
        self.identity(
            section.flag("is_client", false).flag("is_server", true),
            true,
            &self.clients_authority(),
            cx,
        )
    }

    fn client_section(&self, cx: &mut Lowering) -> Fields {
        let accept = format!("127.0.0.1:{}", self.local.value);
        let connect: Vec<(String, Span)> =
            self.servers.iter().map(|it| (self.address(it.value, cx), it.span)).collect();
        let peers: Vec<(String, Span)> = self
            .servers
            .iter()
            .map(|it| (self.shown_by(cx.inventory.host(it.value)), it.span))
            .collect();
        let section = self.section(&self.name, (&accept, self.local.span), &connect, &peers, cx);
        let authority = self.servers_authority(&cx.this().platform);
        self.identity(
            section.flag("is_client", true).flag("is_server", false),
            false,
            &authority,
            cx,
        )
    }

    fn section(
        &self,
        name: &str,
        (accept, at): (&str, Span),
        connect: &[(String, Span)],
        peers: &[(String, Span)],
        cx: &mut Lowering,
    ) -> Fields {
        let mut peers = peers.to_vec();
        peers.dedup_by(|a, b| a.0 == b.0);
        let words = |list: &[(String, Span)], cx: &mut Lowering| -> Vec<Text> {
            list.iter().map(|(text, span)| cx.text(plain(text, *span), *span)).collect()
        };
        let failover = (connect.len() > 1).then(|| fixed(&self.failover.value, self.failover.span));
        let minimum = self.version_on(&cx.this().platform).is_none_or(|it| it.at_least(&[5, 50]));
        Fields::new(self.span)
            .text("name", fixed(name, self.span))
            .text("accept", fixed(accept, at))
            .texts("connect", words(connect, cx))
            .texts("peers", words(&peers, cx))
            .maybe("failover", "has_failover", failover)
            .flag("has_minimum", minimum)
            .texts("extra", self.extra.iter().map(|lines| raw_lines(lines, 0)))
    }

    /// What it shows, and by what it verifies.
    fn identity(
        &self,
        section: Fields,
        as_server: bool,
        authority: &str,
        cx: &mut Lowering,
    ) -> Fields {
        let [cert, key] =
            self.pair(as_server).map(|path| cx.text(plain(&path, self.span), self.span));
        let revoked = revoked_beside(authority).filter(|_| cx.settled.crl.is_some());
        section
            .text("cert", cert)
            .text("key", key)
            .text("authority", fixed(authority, self.span))
            .maybe("revoked", "has_revoked", revoked.map(|path| fixed(&path, self.span)))
    }

    /// Where this host dials a server.
    fn address(&self, server: HostId, cx: &Lowering) -> String {
        let ip = cx.inventory.host(server).address_for(None, cx.this()).ip;
        format!("{ip}:{}", self.port.value)
    }

    /// The name that a client asks to see.
    fn shown_by(&self, server: &Host) -> String {
        let first = self.certificate.as_ref().and_then(|(_, known)| known.names.first());
        first.map_or_else(|| server.name.clone(), |it| it.value.clone())
    }

    /// Each server shows its name, and the tunnel stays open: this host is let in.
    fn prove(&self, owner: Owner, cx: &mut Lowering) {
        if !self.is_client(cx) {
            return;
        }
        let package = cx.fact("openssl.package", owner);
        cx.package(owner, package);
        let authority = self.servers_authority(&cx.this().platform);
        let [cert, key] = self.pair(false);
        // judged by what it shows: where nothing is behind it, it hangs up at once, and whether that
        // is before s_client ends is chance
        for server in &self.servers {
            let ip = cx.inventory.host(server.value).address_for(None, cx.this()).ip;
            let at = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
            let at = format!("{at}:{}", self.port.value);
            let (host, name) = {
                let host = cx.inventory.host(server.value);
                (host.name.clone(), self.shown_by(host))
            };
            let name = cx.text(sh_word(&name, server.span), server.span);
            let name = name.as_str();
            let command = format!(
                "SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect \"{at}\" \
                 -servername {name} -verify_hostname {name} -verify_return_error -CAfile {authority} \
                 -cert {cert} -key {key} </dev/null | grep \"^ *Verify return code: 0 \""
            );
            let title = format!("tunnel {}: {host} answers on {at} as {name}", self.name);
            cx.verify(owner, &title, &command);
        }
        // stunnel takes any connection, and closes it where it finds no way on: 1 is an end, and
        // more than 128 that nothing was said
        let port = self.local.value;
        let command = format!(
            "timeout 10 bash -c \"exec 3<>/dev/tcp/127.0.0.1/{port} || exit; read -r -n 1 -t 2 -u 3; [ \\$? -ne 1 ]\""
        );
        let title = format!("tunnel {}: what connects to 127.0.0.1:{port} comes out", self.name);
        cx.verify(owner, &title, &command);
    }
}
