//! What is wrong with a topology: its servers, their addresses, the version, the bases, certificates.

use super::{Opendj, known_as, word_of};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::facts::Claim;
use crate::services::Checking;
use crate::services::declare::twice;
use crate::source::Span;

/// `opendj-NAME-initialize-HOST-WORD` is a file on the host, whose name has 255 bytes at the most; name
/// and host have 63.
const LONGEST_WORD: usize = 100;

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

    /// One OpenDJ is in one topology.
    pub(super) fn check_folder(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        let (key, span) = (&cx.instance.key, cx.instance.origin.span);
        let same = |it: &&Claim| {
            it.owner != *key && it.origin.span < span && it.path.as_str() == self.configuration()
        };
        let mut others = self.servers.iter().flat_map(|it| cx.facts.claims_of(it.value));
        let Some(other) = others.find(same) else { return };
        let message =
            format!("`{}` and `{key}` have one OpenDJ, `{}`", other.owner, self.outside());
        diagnostics.push(
            Diagnostic::error(Code::PathTaken, message)
                .at(self.folder.span, "the second one")
                .at(other.origin.span, "the first one")
                .help("write the `folder` of another, or each `base` into one of them"),
        );
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
        for base in self.bases.iter().filter(|it| !is_dn(&it.value)) {
            let message = format!("`{}` is no base DN", base.value);
            let diagnostic = Diagnostic::error(Code::WrongValue, message).at(base.span, "");
            diagnostics.push(diagnostic.help("write it as OpenDJ has it: `dc=example,dc=org`"));
        }
        for base in self.bases.iter().filter(|it| word_of(it).len() > LONGEST_WORD) {
            let message = "the base DN is too long for the names of steps";
            let help = format!(
                "{LONGEST_WORD} letters and digits at the most: each step has a file of its name"
            );
            let diagnostic = Diagnostic::error(Code::WrongValue, message).at(base.span, "");
            diagnostics.push(diagnostic.help(help));
        }
        if !is_dn(&self.bind_dn.value) {
            let message = format!("`{}` is no DN", self.bind_dn.value);
            let diagnostic = Diagnostic::error(Code::WrongValue, message).at(self.bind_dn.span, "");
            diagnostics.push(diagnostic.help("write it as OpenDJ has it: `cn=Directory Manager`"));
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

/// Whether each part has a type and a value (RFC 4514, section 2): between commas that are neither
/// escaped nor in quotes.
fn is_dn(text: &str) -> bool {
    let mut plain = String::new();
    let (mut escaped, mut quoted) = (false, false);
    for c in text.chars() {
        if !escaped && c == '"' {
            quoted = !quoted;
        } else if !escaped && !quoted && c != '\\' {
            plain.push(c);
        }
        escaped = !escaped && c == '\\';
    }
    plain.split([',', '+']).all(|part| {
        let kind = part.split_once('=').map_or("", |(kind, _)| kind.trim());
        let legal = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
        kind.starts_with(|c: char| c.is_ascii_alphanumeric()) && kind.chars().all(legal)
    })
}
