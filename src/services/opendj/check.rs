//! What is wrong with a topology: its servers, their addresses, the version, the bases, certificates.

use super::{Opendj, known_as, word_of};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::services::Checking;
use crate::services::declare::twice;
use crate::source::Span;

impl Opendj {
    pub(super) fn check_servers(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        if self.servers.len() < 2 && self.complete {
            let message = format!("`{}` has nobody to replicate with", cx.instance.key);
            let span = self.servers.first().map_or(self.span, |server| server.span);
            diagnostics.push(
                Diagnostic::error(Code::TooFew, message)
                    .at(span, "the only server")
                    .help("name two servers at least"),
            );
        }
        let host = |id| cx.inventory.host(id);
        let Some(first) = self.servers.first() else { return };
        let six = known_as(host(first.value)).is_ipv6();
        if let Some(other) =
            self.servers.iter().find(|it| known_as(host(it.value)).is_ipv6() != six)
        {
            let (first, other) = (host(first.value), host(other.value));
            let message = format!(
                "`{}` is known by {}, and `{}` by {}",
                first.name,
                known_as(first),
                other.name,
                known_as(other)
            );
            diagnostics.push(
                Diagnostic::error(Code::Unreachable, message)
                    .at(first.origin.span, "all servers dial this address")
                    .at(other.origin.span, "and this one")
                    .help(
                        "give all of them an address of one kind, first or `for=\"replication\"`",
                    ),
            );
        }
    }

    /// The tools' options are those of 3.0 in all of 4 (their sources); 2.6 lacks some, and what came of
    /// OpenDJ as ForgeRock Directory Services 5 has others.
    pub(super) fn check_version(&self, diagnostics: &mut Diagnostics) {
        let Some(version) = &self.version else { return };
        let since = version.value.at_least(&[3]);
        if since && !version.value.at_least(&[5]) {
            return;
        }
        let message = format!(
            "OpenDJ {} is {} than what clustergen knows the tools of",
            version.value,
            if since { "newer" } else { "older" }
        );
        let diagnostic = Diagnostic::error(Code::TooOld, message).at(version.span, "");
        diagnostics.push(diagnostic.help("it knows those of 3.0 to 4"));
    }

    pub(super) fn check_bases(&self, diagnostics: &mut Diagnostics) {
        for base in self.bases.iter().filter(|it| !it.value.contains('=')) {
            let message = format!("`{}` is no base DN", base.value);
            let diagnostic = Diagnostic::error(Code::WrongValue, message).at(base.span, "");
            diagnostics.push(diagnostic.help("write it as OpenDJ has it: `dc=example,dc=org`"));
        }
        let words: Vec<(String, Span)> =
            self.bases.iter().map(|it| (word_of(it), it.span)).collect();
        for (word, first, second) in twice(&words, |it| (it.0.as_str(), it.1)) {
            diagnostics.push(
                Diagnostic::error(
                    Code::NameTaken,
                    format!("two bases are `{word}` in names of steps"),
                )
                .at(second, "the second one")
                .at(first, "the first one")
                .help("keep one of them"),
            );
        }
    }

    pub(super) fn check_certificates(&self, diagnostics: &mut Diagnostics) {
        let Some(span) = self.vendor_certificates else { return };
        let message = "OpenDJ's tools believe whoever answers, and tell him the passwords";
        let help = "take it out: each server gets a certificate of its own, and is asked for it";
        let diagnostic = Diagnostic::warning(Code::Unsafe, message).at(span, "");
        diagnostics.push(diagnostic.help(help));
    }
}
