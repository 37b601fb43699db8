//! `nginx.conf` and what lies beside it, for one host.

use std::collections::BTreeMap;

use super::super::lowering::Owner;
use super::super::pair::{Trust, pair_paths, trust};
use super::super::{Located, Lowering};
use super::SSL;
use super::options::{Affinity, Answer, Header, Location, Nginx, Servers, Site, Stream, Upstream};
use crate::diag::{Code, Diagnostic};
use crate::model::facts::{Certificate, CertificateSource};
use crate::model::plan::{Body, OnChange};
use crate::model::value::{AbsPath, Version};
use crate::model::view::Fields;
use crate::platform::Platform;
use crate::quote::{
    Text, comment, fixed, nginx_header, nginx_literal, nginx_location, nginx_word, number, plain,
    raw_lines,
};
use crate::source::{Span, Spanned};

pub(super) fn certificate_path(name: &str) -> String {
    format!("{SSL}/{name}.crt")
}

pub(super) fn key_path(name: &str) -> String {
    format!("{SSL}/{name}.key")
}

const CONFIGURATION: &str = "/etc/nginx/nginx.conf";

/// Where nginx finds certificate and key.
fn pair(name: &str, known: &Certificate) -> [String; 2] {
    pair_paths(known, [certificate_path(name), key_path(name)])
}

fn reload() -> OnChange {
    OnChange::Reload("nginx.service".to_owned())
}

pub(super) fn lower(services: &[Located<Nginx>], cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let owner = first.owner();
    let package = cx.fact("nginx.package", owner);
    cx.package(owner, package);
    if services.iter().any(|it| !it.options.streams.is_empty()) {
        let module = cx.fact("nginx.stream-package", owner);
        cx.package(owner, module);
    }
    let mut reads = vec![CONFIGURATION.to_owned()];
    for service in services {
        reads.extend(key_pairs(service, cx));
    }
    for service in services {
        let platform = cx.this().platform.clone();
        for (path, name) in service.options.trusts(&platform) {
            let body = Body::Certificate { pem: cx.authority_of(name) };
            cx.directory(service.owner(), SSL, 0o755);
            cx.root_file(service.owner(), &path, 0o644, body, reload());
            if !reads.contains(&path) {
                reads.push(path);
            }
        }
    }
    let view = configuration(services, cx);
    cx.template(owner, CONFIGURATION, 0o644, "nginx/nginx.conf", view, reload());
    let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
    cx.check(owner, "nginx -t -q", &[0], &reads);
    cx.unit(owner, "nginx.service", &[]);
}

/// Certificates and keys of the sites; the paths that were made.
fn key_pairs(service: &Located<Nginx>, cx: &mut Lowering) -> Vec<String> {
    let mut paths = Vec::new();
    for (name, known) in service.options.certificates() {
        let owner = service.owner();
        if let CertificateSource::OnHost { cert, key } = &known.source {
            cx.kept_by_others(owner, (name, known), [cert, key], &[CONFIGURATION]);
            continue;
        }
        cx.directory(owner, SSL, 0o755);
        let pem = cx.leaf(name).map(|leaf| leaf.pem.clone()).unwrap_or_default();
        let token = cx.private_key(name);
        let (cert, key) = (certificate_path(name), key_path(name));
        cx.root_file(owner, &cert, 0o644, Body::Certificate { pem }, reload());
        cx.root_file(owner, &key, 0o600, Body::Secret { token }, reload());
        cx.shipped_lasts(owner, &Spanned::new(AbsPath::known(&cert), owner.origin.span));
        paths.extend([cert, key]);
    }
    paths
}

/// What a template needs of the version that runs here, and of the host.
struct Here {
    /// `http2 on;` instead of a parameter of `listen` (since 1.25.1).
    http2_directive: bool,
    /// Refuses unknown names without a certificate (since 1.19.4).
    reject_handshake: bool,
    ipv6: bool,
}

fn configuration(services: &[Located<Nginx>], cx: &mut Lowering) -> Fields {
    let [first, ..] = services else { return Fields::new(Span::default()) };
    let span = first.origin.span;
    let version = first.options.version_on(&cx.this().platform);
    let since = |parts: &[u32]| version.as_ref().is_some_and(|it: &Version| it.at_least(parts));
    let here = Here {
        http2_directive: since(&[1, 25, 1]),
        reject_handshake: since(&[1, 19, 4]),
        ipv6: cx.this().has_ipv6(),
    };
    let user = cx.fact("nginx.user", first.owner());
    let modules = cx.fact("nginx.modules", first.owner());
    let connections = services.iter().map(|it| &it.options.worker_connections);
    let connections = connections.max_by_key(|it| it.value).map_or(4096, |it| it.value);
    let at = first.options.worker_connections.span;
    let upstreams = all(services, cx, |it| &it.upstreams, |it, owner, cx| upstream(it, owner, cx));
    let cookies: Vec<Fields> = services
        .iter()
        .flat_map(|it| &it.options.upstreams)
        .filter(|it| it.affinity.as_ref().is_some_and(|by| by.value == Affinity::Cookie))
        .map(cookie)
        .collect();
    let sites = all(services, cx, |it| &it.sites, |it, _, cx| it.view(services, &here, cx));
    let streams = all(services, cx, |it| &it.streams, |it, owner, cx| stream(it, &here, owner, cx));
    let extra: Vec<Text> =
        services.iter().flat_map(|it| &it.options.extra).map(|lines| raw_lines(lines, 4)).collect();
    names_differ(services, cx);
    let tls = services.iter().flat_map(|it| &it.options.sites).find(|it| it.certificate.is_some());
    let plain_http = services
        .iter()
        .flat_map(|it| &it.options.sites)
        .any(|it| it.certificate.is_none() || it.redirect_http);
    let fallback = tls.and_then(|site| site.certificate.as_ref());
    let mut view = Fields::new(span)
        .text("user", fixed(&user, span))
        .text("modules", fixed(&modules, span))
        .text("worker_connections", number(connections, at))
        .text("open_files", number(connections * 2, at))
        .flag("has_http", !sites.is_empty() || !extra.is_empty())
        .flag("has_cookies", !cookies.is_empty())
        .list("cookies", cookies)
        .list("upstreams", upstreams)
        .flag("plain_http", plain_http)
        .flag("tls", tls.is_some())
        .flag("ipv6", here.ipv6)
        .flag("reject_handshake", here.reject_handshake)
        .list("sites", sites)
        .flag("has_streams", !streams.is_empty())
        .list("streams", streams)
        .texts("extra", extra);
    if let Some((name, known)) = fallback {
        let pair = pair_fields(Fields::new(name.span), name, known, cx);
        view = view.fields("fallback", pair);
    }
    view
}

/// Where nginx finds certificate and key, for its configuration.
fn pair_fields(
    view: Fields,
    name: &Spanned<String>,
    known: &Certificate,
    cx: &mut Lowering,
) -> Fields {
    let [certificate, key] = pair(&name.value, known).map(|path| {
        let path = nginx_word(&path, name.span);
        cx.text(path, name.span)
    });
    view.text("certificate", certificate).text("key", key)
}

/// One list over all the services of this host, in their order.
fn all<'a, T: 'a>(
    services: &'a [Located<'a, Nginx>],
    cx: &mut Lowering,
    list: impl Fn(&'a Nginx) -> &'a Vec<T>,
    view: impl Fn(&'a T, Owner<'a>, &mut Lowering) -> Fields,
) -> Vec<Fields> {
    let mut views = Vec::new();
    for service in services {
        for item in list(service.options) {
            views.push(view(item, service.owner(), cx));
        }
    }
    views
}

/// Services on one host share nginx's names.
fn names_differ(services: &[Located<Nginx>], cx: &mut Lowering) {
    let mut seen: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    for service in services {
        let upstreams = service.options.upstreams.iter().map(|it| ("upstream", &it.name));
        let sites = service.options.sites.iter().map(|it| ("site", &it.name));
        for (what, name) in upstreams.chain(sites) {
            if let Some(first) = seen.insert((what, &name.value), name.span) {
                let host = &cx.plan.name;
                let message = format!("two services give `{host}` the {what} `{}`", name.value);
                cx.diagnostics.push(
                    Diagnostic::error(Code::NameTaken, message)
                        .at(name.span, "the second one")
                        .at(first, "the first one")
                        .help("give one of them another name"),
                );
            }
        }
    }
}

/// A name as a part of an nginx variable.
fn variable(name: &str) -> String {
    name.replace('-', "_")
}

fn cookie(upstream: &Upstream) -> Fields {
    let span = upstream.affinity.as_ref().map_or(upstream.name.span, |it| it.span);
    let variable = variable(&upstream.name.value);
    Fields::new(span).text("upstream", fixed(&variable, span))
}

fn upstream(upstream: &Upstream, _: Owner, cx: &mut Lowering) -> Fields {
    let name = &upstream.name;
    let servers = upstream.servers.iter().flat_map(|it| servers(it, Some(upstream), cx));
    let affinity = upstream.affinity.as_ref().map(|by| {
        let key = match by.value {
            Affinity::ClientIp => "$remote_addr".to_owned(),
            Affinity::Cookie => format!("$cg_{}", variable(&name.value)),
        };
        fixed(&key, by.span)
    });
    Fields::new(name.span)
        .text("name", fixed(&name.value, name.span))
        .maybe("hash", "has_hash", affinity)
        .list("servers", servers.collect::<Vec<_>>())
        .text("keepalive", number(upstream.keepalive.value, upstream.keepalive.span))
}

/// One line per server, by name.
fn servers(servers: &Servers, upstream: Option<&Upstream>, cx: &mut Lowering) -> Vec<Fields> {
    let mut hosts: Vec<_> = servers.hosts.clone();
    hosts.sort();
    let mut lines = Vec::new();
    for host in hosts {
        let known = cx.inventory.host(host.value);
        let (name, ip) = (known.name.clone(), known.address_for(None, cx.this()).ip);
        let endpoint = match ip {
            std::net::IpAddr::V4(v4) => format!("{v4}:{}", servers.port.value),
            std::net::IpAddr::V6(v6) => format!("[{v6}]:{}", servers.port.value),
        };
        let weight = servers.weight.as_ref().map(|it| number(it.value, it.span));
        let mut line = Fields::new(host.span)
            .text("endpoint", cx.text(plain(&endpoint, host.span), host.span))
            .text("name", comment(&name, host.span))
            .maybe("weight", "has_weight", weight)
            .flag("backup", servers.backup);
        if let Some(upstream) = upstream {
            let timeout = format!("{}s", upstream.fail_timeout.value.seconds());
            line = line
                .text("max_fails", number(upstream.max_fails.value, upstream.max_fails.span))
                .text("fail_timeout", fixed(&timeout, upstream.fail_timeout.span));
        }
        lines.push(line);
    }
    lines
}

fn seconds(time: &Spanned<crate::model::value::Duration>) -> Text {
    fixed(&format!("{}s", time.value.seconds()), time.span)
}

fn stream(stream: &Stream, here: &Here, _: Owner, cx: &mut Lowering) -> Fields {
    let lines: Vec<Fields> = stream.servers.iter().flat_map(|it| servers(it, None, cx)).collect();
    Fields::new(stream.span)
        .text("name", fixed(&stream.name.value, stream.name.span))
        .text("port", number(stream.port.value.get(), stream.port.span))
        .flag("affinity", stream.affinity)
        .flag("ipv6", here.ipv6)
        .list("servers", lines)
        .text("connect_timeout", seconds(&stream.connect_timeout))
        .text("idle_timeout", seconds(&stream.idle_timeout))
}

impl Site {
    fn view(&self, services: &[Located<Nginx>], here: &Here, cx: &mut Lowering) -> Fields {
        let names: Vec<Text> = std::iter::once(&self.name)
            .chain(&self.aliases)
            .map(|name| cx.text(nginx_word(&name.value, name.span), name.span))
            .collect();
        let platform = cx.this().platform.clone();
        let verified = self.verified(services, &platform);
        let locations: Vec<Fields> = self
            .locations
            .iter()
            .map(|it| it.view(self, services, verified.is_none(), cx))
            .collect();
        let pair = self.certificate.as_ref();
        let hsts = self.hsts.as_ref().map(|it| fixed(&it.value.seconds().to_string(), it.span));
        let extra: Vec<Text> = self.extra.iter().map(|lines| raw_lines(lines, 8)).collect();
        let mut view = Fields::new(self.span)
            .text("name", fixed(&self.name.value, self.name.span))
            .texts("names", names)
            .flag("tls", pair.is_some())
            .flag("redirect_http", self.redirect_http)
            .flag("ipv6", here.ipv6)
            .flag("http2_directive", here.http2_directive)
            .maybe("hsts", "has_hsts", hsts)
            .text("max_body", fixed(&self.max_body.value.to_string(), self.max_body.span))
            .list("locations", locations)
            .flag("unanswered", self.locations.iter().all(|it| it.path.value != "/"))
            .texts("extra", extra);
        view = Verified::onto(verified, view);
        if let Some((name, known)) = pair {
            view = pair_fields(view, name, known, cx);
        }
        view
    }

    /// What all the site's TLS upstreams are verified by, where it is one thing: then it stands at
    /// the site instead of in every location. Locations without TLS do not mind it.
    fn verified(&self, services: &[Located<Nginx>], platform: &Platform) -> Option<Verified> {
        let upstreams = self.locations.iter().filter_map(|it| it.upstream(services));
        let mut all = upstreams.filter_map(|it| it.verified(platform));
        let first = all.next()?;
        all.all(|it| it.same(&first)).then_some(first)
    }
}

/// What a server has to prove.
struct Verified {
    /// The name that its certificate must carry.
    name: Text,
    /// The file of the authorities, one of which must have signed it.
    trusted: Text,
}

impl Verified {
    fn same(&self, other: &Self) -> bool {
        let words = |it: &Self| [it.name.as_str().to_owned(), it.trusted.as_str().to_owned()];
        words(self) == words(other)
    }

    fn onto(found: Option<Self>, view: Fields) -> Fields {
        let (name, trusted) = found.map(|it| (it.name, it.trusted)).unzip();
        view.maybe("verified", "has_verified", name).maybe("trusted", "has_trusted", trusted)
    }
}

impl Upstream {
    fn verified(&self, platform: &Platform) -> Option<Verified> {
        let (name, known) = self.tls.as_ref()?;
        let trusted = match trust(&name.value, known, platform) {
            Trust::Shipped(file) => format!("{SSL}/{file}"),
            Trust::Platform(path) => path,
        };
        let trusted = fixed(&trusted, name.span);
        let first = known.names.first()?;
        Some(Verified { name: fixed(&first.value, name.span), trusted })
    }
}

/// What servers are told everywhere, name and value; nginx inherits it only where a location adds
/// nothing of its own.
const REQUEST_HEADERS: [(&str, &str); 7] = [
    ("Host", "$host"),
    ("X-Real-IP", "$remote_addr"),
    ("X-Forwarded-For", "$proxy_add_x_forwarded_for"),
    ("X-Forwarded-Proto", "$scheme"),
    ("X-Forwarded-Host", "$host"),
    ("Upgrade", "$upgrade"),
    ("Connection", "$connection_upgrade"),
];

impl Location {
    /// The usual headers but those that the location sets itself: nginx would send both.
    fn inherited_headers(&self) -> Vec<Text> {
        let own = |name: &str| {
            self.request_headers.iter().any(|it| it.name.value.eq_ignore_ascii_case(name))
        };
        REQUEST_HEADERS
            .iter()
            .filter(|(name, _)| !own(name))
            .map(|(name, value)| fixed(&format!("{name:<19}{value}"), self.span))
            .collect()
    }

    fn upstream<'a>(&self, services: &[Located<'a, Nginx>]) -> Option<&'a Upstream> {
        let Answer::Upstream(name) = &self.answer else { return None };
        services.iter().flat_map(|it| &it.options.upstreams).find(|it| it.name.value == name.value)
    }

    fn view(
        &self,
        site: &Site,
        services: &[Located<Nginx>],
        verify: bool,
        cx: &mut Lowering,
    ) -> Fields {
        let upstream = self.upstream(services);
        let path = nginx_location(&self.path.value, self.path.span);
        let mut view = Fields::new(self.span)
            .text("path", cx.text(path, self.path.span))
            .flag("proxies", upstream.is_some())
            .text("connect_timeout", seconds(&self.connect_timeout))
            .text("read_timeout", seconds(&self.read_timeout))
            .flag("has_request_headers", !self.request_headers.is_empty())
            .texts("inherited_headers", self.inherited_headers())
            .list("request_headers", headers(&self.request_headers, cx))
            .flag("has_response_headers", !self.response_headers.is_empty())
            .list("response_headers", headers(&self.response_headers, cx))
            .texts(
                "extra",
                self.extra.iter().map(|lines| raw_lines(lines, 12)).collect::<Vec<_>>(),
            );
        let by = upstream.and_then(|it| it.affinity.as_ref());
        let by = by.filter(|by| by.value == Affinity::Cookie);
        let cookie = upstream.zip(by).map(|(it, by)| fixed(&variable(&it.name.value), by.span));
        // nginx inherits `add_header` only where a location has none of its own
        let adds = cookie.is_some() || !self.response_headers.is_empty();
        let hsts = site.hsts.as_ref().filter(|_| adds);
        let hsts = hsts.map(|it| fixed(&it.value.seconds().to_string(), it.span));
        view = view.maybe("hsts", "repeats_hsts", hsts).maybe("cookie", "has_cookie", cookie);
        if let Some(upstream) = upstream {
            let scheme = if upstream.tls.is_some() { "https" } else { "http" };
            view = view
                .text("scheme", fixed(scheme, upstream.name.span))
                .text("upstream", fixed(&upstream.name.value, self.answer.span()));
            let platform = cx.this().platform.clone();
            view = Verified::onto(upstream.verified(&platform).filter(|_| verify), view);
        }
        if let Answer::Redirect(url) = &self.answer {
            let url = cx.text(nginx_literal(&url.value, url.span), url.span);
            view = view.text("redirect", url);
        }
        view
    }
}

impl Answer {
    fn span(&self) -> Span {
        match self {
            Self::Upstream(name) | Self::Redirect(name) => name.span,
        }
    }
}

fn headers(headers: &[Header], cx: &mut Lowering) -> Vec<Fields> {
    headers
        .iter()
        .map(|header| {
            let name =
                cx.text(nginx_header(&header.name.value, header.name.span), header.name.span);
            let value = nginx_literal(&header.value.value, header.value.span);
            let value = cx.text(value, header.value.span);
            Fields::new(header.name.span).text("name", name).text("value", value)
        })
        .collect()
}
