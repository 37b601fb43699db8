//! What is wrong with an `nginx` node: names, sites, upstreams, the version that is to run them.

use super::Nginx;
use super::options::{Affinity, Answer, Site, Upstream};
use crate::diag::{Code, Diagnostic, Diagnostics, suggestion};
use crate::model::value::Version;
use crate::services::Checking;
use crate::services::declare::twice;
use crate::source::{Span, Spanned};

/// `SITE.access.log` is a file, whose name has 255 bytes at the most.
const LONGEST_SITE: usize = 243;

impl Nginx {
    pub(super) fn check_all(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        self.check_names(diagnostics);
        self.check_references(diagnostics);
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
        self.check_certificate(diagnostics);
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
