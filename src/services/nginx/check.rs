//! What is wrong with an `nginx` node: names, sites, upstreams, the version that is to run them.

use super::options::{Affinity, Answer, Header, Location, Servers, Site, Upstream};
use super::{HTTP, HTTPS, Nginx};
use crate::diag::{Code, Diagnostic, Diagnostics, suggestion};
use crate::model::host::HostId;
use crate::model::value::{Port, Version};
use crate::services::Checking;
use crate::services::declare::twice;
use crate::source::{Span, Spanned};

/// `SITE.access.log` is a file, whose name has 255 bytes at the most.
const LONGEST_SITE: usize = 243;

impl Nginx {
    pub(super) fn check_all(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        self.check_names(diagnostics);
        self.check_references(diagnostics);
        self.check_circles(cx, diagnostics);
        for site in &self.sites {
            site.check(diagnostics);
        }
        for upstream in &self.upstreams {
            upstream.check(diagnostics);
        }
        for host in &self.on {
            let version = self.version_on(&cx.inventory.host(host.value).platform);
            self.check_version(version, host.span, diagnostics);
        }
    }

    fn check_names(&self, diagnostics: &mut Diagnostics) {
        let upstreams = twice(&self.upstreams, |it| (it.name.value.as_str(), it.name.span));
        let streams = twice(&self.streams, |it| (it.name.value.as_str(), it.name.span));
        let sites: Vec<&Spanned<String>> = self.sites.iter().flat_map(Site::names).collect();
        let sites = twice(&sites, |it| (it.value.as_str(), it.span));
        for (name, first, second) in upstreams.into_iter().chain(streams).chain(sites) {
            diagnostics.push(
                Diagnostic::error(Code::NameTaken, format!("`{name}` is there twice"))
                    .at(second, "the second one")
                    .at(first, "the first one")
                    .help("give one of them another name, or take it out"),
            );
        }
    }

    fn check_references(&self, diagnostics: &mut Diagnostics) {
        let known: Vec<&str> = self.upstreams.iter().map(|it| it.name.value.as_str()).collect();
        for location in self.sites.iter().flat_map(|site| &site.locations) {
            let Answer::Upstream(name) = &location.answer else { continue };
            if known.contains(&name.value.as_str()) {
                continue;
            }
            let help = suggestion(&name.value, known.iter().copied(), || {
                format!("add `upstream \"{}\" {{ servers \"…\" port=… }}`", name.value)
            });
            let message = format!("no upstream is called `{}`", name.value);
            diagnostics
                .push(Diagnostic::error(Code::UnknownName, message).at(name.span, "").help(help));
        }
    }

    /// Whom it passes on to is not itself: what came in would come in again, without an end.
    fn check_circles(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        for stream in &self.streams {
            self.check_circle(
                &[stream.port.value],
                stream.port.span,
                &stream.servers,
                cx,
                diagnostics,
            );
        }
        for upstream in &self.upstreams {
            let leads = |location: &Location| matches!(&location.answer, Answer::Upstream(to) if to.value == upstream.name.value);
            for site in self.sites.iter().filter(|it| it.locations.iter().any(leads)) {
                self.check_circle(site.ports(), site.name.span, &upstream.servers, cx, diagnostics);
            }
        }
    }

    fn check_circle(
        &self,
        ports: &[Port],
        place: Span,
        servers: &[Servers],
        cx: &Checking,
        diagnostics: &mut Diagnostics,
    ) {
        for servers in servers.iter().filter(|it| ports.contains(&it.port.value)) {
            let here = |it: &&Spanned<HostId>| self.on.iter().any(|on| on.value == it.value);
            let Some(host) = servers.hosts.iter().find(here) else { continue };
            let name = &cx.inventory.host(host.value).name;
            let message = format!(
                "nginx would pass on to itself, at port {} of `{name}`",
                servers.port.value
            );
            diagnostics.push(
                Diagnostic::error(Code::PortTaken, message)
                    .at(place, "nginx listens here, on all addresses")
                    .at(servers.port.span, "and passes on to here")
                    .help("name the port of the program that is to answer, or other servers"),
            );
        }
    }

    fn check_version(&self, version: Option<Version>, place: Span, diagnostics: &mut Diagnostics) {
        let Some(version) = version else { return };
        let span = self.version.as_ref().map_or(place, |it| it.span);
        if !version.at_least(&[1, 10]) {
            let message = format!("nginx {version} is older than what clustergen writes for");
            let help = "1.10 is the oldest; take a platform or a package with a later one";
            diagnostics.push(Diagnostic::error(Code::TooOld, message).at(span, "").help(help));
        }
        let cookie = self.upstreams.iter().filter_map(|it| it.affinity.as_ref());
        for affinity in cookie.filter(|it| it.value == Affinity::Cookie) {
            if !version.at_least(&[1, 11]) {
                let message = format!("nginx {version} cannot make a routing cookie");
                diagnostics.push(
                    Diagnostic::error(Code::TooOld, message)
                        .at(affinity.span, "needs `$request_id`, which is there since 1.11.0")
                        .at(span, "this version")
                        .help("write `affinity \"client-ip\"`, or take a later nginx"),
                );
            }
        }
    }
}

impl Site {
    fn check(&self, diagnostics: &mut Diagnostics) {
        if self.name.value.len() > LONGEST_SITE {
            let message = "the site's name is too long for the names of its logs";
            let help = format!(
                "write the name in `alias`, and one of {LONGEST_SITE} characters at the most here"
            );
            diagnostics.push(
                Diagnostic::error(Code::WrongValue, message).at(self.name.span, "").help(help),
            );
        }
        if !self.tls && (self.redirect_http || self.hsts.is_some()) {
            let message = format!(
                "`{}` has no certificate, so there is no TLS to send anybody to",
                self.name.value
            );
            diagnostics.push(
                Diagnostic::error(Code::Missing, message)
                    .at(self.name.span, "")
                    .help("add `certificate \"name\"`, or take `redirect-http` and `hsts` out"),
            );
        }
        self.check_locations(diagnostics);
        self.check_headers(diagnostics);
        self.check_certificate(diagnostics);
    }

    /// Where it listens.
    fn ports(&self) -> &'static [Port] {
        if self.tls { &[HTTP, HTTPS] } else { &[HTTP] }
    }

    fn check_headers(&self, diagnostics: &mut Diagnostics) {
        for location in &self.locations {
            check_headers(&location.request_headers, diagnostics);
            check_headers(&location.response_headers, diagnostics);
            let own = location.response_headers.iter().map(|it| &it.name);
            let again =
                own.rev().find(|it| it.value.eq_ignore_ascii_case("Strict-Transport-Security"));
            if let (Some(hsts), Some(again)) = (&self.hsts, again) {
                diagnostics.push(sent_twice(&again.value, hsts.span, again.span));
            }
        }
    }

    /// For nginx `/a` and `^~ /a` are one.
    fn check_locations(&self, diagnostics: &mut Diagnostics) {
        let path = |it: &str| it.strip_prefix("^~ ").unwrap_or(it).to_owned();
        let paths = self.locations.iter().map(|it| (path(&it.path.value), it.path.span));
        let paths: Vec<(String, Span)> = paths.collect();
        for (path, first, second) in twice(&paths, |it| (it.0.as_str(), it.1)) {
            let message = format!("the location `{path}` is there twice");
            diagnostics.push(
                Diagnostic::error(Code::NameTaken, message)
                    .at(second, "the second one")
                    .at(first, "the first one")
                    .help("keep one of them"),
            );
        }
    }

    /// Whether the certificate carries all names of the site.
    fn check_certificate(&self, diagnostics: &mut Diagnostics) {
        let Some((certificate, known)) = &self.certificate else { return };
        let place = known.names.first().map_or(known.origin.span, |it| it.span);
        for name in self.names() {
            if known.names.iter().any(|it| it.value == name.value) {
                continue;
            }
            let message =
                format!("the certificate `{}` does not carry `{}`", certificate.value, name.value);
            diagnostics.push(
                Diagnostic::error(Code::Missing, message)
                    .at(name.span, "browsers would refuse it")
                    .at(place, "these are its names")
                    .help(format!("add \"{}\" to its `names`", name.value)),
            );
        }
    }
}

/// Headers that say where a message ends and what becomes of the connection: nginx writes them
/// itself, and two that differ are how requests are smuggled (RFC 9110, section 7.6.1; RFC 9112,
/// section 11.2).
const OF_THE_CONNECTION: [&str; 7] =
    ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// nginx sends what is written twice twice. Only cookies are sent so: all others may be joined with
/// commas, or stand once (RFC 9110, section 5.3).
fn check_headers(headers: &[Header], diagnostics: &mut Diagnostics) {
    let named = headers.iter().map(|it| (it.name.value.to_ascii_lowercase(), it.name.span));
    let named: Vec<(String, Span)> = named.collect();
    for (name, first, second) in twice(&named, |it| (it.0.as_str(), it.1)) {
        if name != "set-cookie" {
            diagnostics.push(sent_twice(name, first, second));
        }
    }
    for (name, span) in named.iter().filter(|it| OF_THE_CONNECTION.contains(&it.0.as_str())) {
        let message = format!("`{name}` is of the connection, and nginx's own to write");
        let help = "take it out; `extra` takes nginx's directives for it";
        diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(*span, "").help(help));
    }
}

fn sent_twice(name: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::error(Code::NameTaken, format!("the header `{name}` would be sent twice"))
        .at(second, "the second one")
        .at(first, "the first one")
        .help("keep one of them; one value may be a list, with commas")
}

impl Upstream {
    fn check(&self, diagnostics: &mut Diagnostics) {
        let backup = self.servers.iter().find(|servers| servers.backup);
        if let (Some(_), Some(backup)) = (&self.affinity, backup) {
            let message = "nginx refuses `backup` where clients are kept on a server";
            diagnostics.push(
                Diagnostic::error(Code::OnlyOneOf, message)
                    .at(backup.span, "")
                    .help("take `backup` or `affinity` out"),
            );
        }
        if self.servers.iter().all(|servers| servers.backup) {
            let message = format!("`{}` has nothing but backups", self.name.value);
            diagnostics.push(
                Diagnostic::error(Code::TooFew, message)
                    .at(self.name.span, "")
                    .help("take `backup` off the servers that are to answer"),
            );
        }
    }
}
