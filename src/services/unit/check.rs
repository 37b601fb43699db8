//! What is wrong with a unit: its suffix, its sections, directives that the platform's systemd does
//! not have, a start that comes to nothing. What systemd would not load is in `values`.

use std::collections::BTreeMap;

use super::{OwnUnit, Section};
use crate::diag::{Code, Diagnostic, Diagnostics, or_list, suggestion};
use crate::services::Checking;
use crate::source::Spanned;
use crate::systemd::Directives;

/// Suffixes of units, and the section of each kind.
const KINDS: [(&str, Option<&str>); 9] = [
    ("automount", Some("Automount")),
    ("mount", Some("Mount")),
    ("path", Some("Path")),
    ("service", Some("Service")),
    ("slice", Some("Slice")),
    ("socket", Some("Socket")),
    ("swap", Some("Swap")),
    ("target", None),
    ("timer", Some("Timer")),
];

impl OwnUnit {
    pub(super) fn check_unit(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        let kind = KINDS.iter().find(|(suffix, _)| *suffix == self.suffix());
        let Some((_, own)) = kind else {
            let suffixes = KINDS.map(|(suffix, _)| format!(".{suffix}"));
            let message = format!("`{}` has not the suffix of a unit", self.name.value);
            let help = format!("end it with {}", or_list(&suffixes));
            diagnostics.push(
                Diagnostic::error(Code::WrongValue, message).at(self.name.span, "").help(help),
            );
            return;
        };
        for section in &self.sections {
            self.check_section(section, *own, cx, diagnostics);
        }
        self.check_start(diagnostics);
        self.check_values(diagnostics);
    }

    /// Whether a unit that is started stays up.
    fn check_start(&self, diagnostics: &mut Diagnostics) {
        if self.is_started() && self.ends_by_itself() {
            let message = format!("`{}` is started, but never up", self.name.value);
            let help = "add `set \"RemainAfterExit\" \"yes\"`; or take `Install` out, where a timer starts it";
            diagnostics.push(
                Diagnostic::error(Code::WrongValue, message)
                    .at(self.name.span, "a `oneshot` is over when its command has ended")
                    .help(help),
            );
        }
    }

    fn check_section(
        &self,
        section: &Section,
        own: Option<&str>,
        cx: &Checking,
        diagnostics: &mut Diagnostics,
    ) {
        let name = &section.name.value;
        if name.starts_with("X-") {
            return;
        }
        let known: Vec<&str> = ["Unit"].into_iter().chain(own).chain(["Install"]).collect();
        if !known.contains(&name.as_str()) {
            let message = format!("`{}` has no section `{name}`", self.name.value);
            let help = suggestion(name, known.iter().copied(), || {
                format!("write {}; `X-…` is for others than systemd", or_list(&known))
            });
            diagnostics.push(
                Diagnostic::error(Code::UnknownName, message).at(section.name.span, "").help(help),
            );
            return;
        }
        for (directive, _) in section.lines.iter().filter(|(it, _)| !it.value.starts_with("X-")) {
            self.check_directive(name, directive, cx, diagnostics);
        }
    }

    /// Tells of the first host that is too old for it.
    fn check_directive(
        &self,
        section: &str,
        directive: &Spanned<String>,
        cx: &Checking,
        diagnostics: &mut Diagnostics,
    ) {
        for host in self.on.iter().map(|host| cx.inventory.host(host)) {
            let platform = &host.platform;
            let known = platform.directives.section(section);
            let Some(since) = known.and_then(|known| known.get(&directive.value)) else {
                diagnostics.push(unknown(section, directive, &platform.directives));
                return;
            };
            let Some(version) = platform.version("systemd.version") else { continue };
            if version.at_least(&[*since]) {
                continue;
            }
            let message = format!("`{}` is there since systemd {since}", directive.value);
            let label = format!("`{}` has {version} ({})", host.name, platform.id);
            let help = "leave it out on this host, or choose a later platform";
            diagnostics.push(
                Diagnostic::error(Code::TooOld, message).at(directive.span, label).help(help),
            );
            return;
        }
    }
}

/// Only a warning: systemd passes over what it does not know, and knows more with each version.
fn unknown(section: &str, directive: &Spanned<String>, table: &Directives) -> Diagnostic {
    let message = format!("no directive of `[{section}]` is called `{}`", directive.value);
    let has = |section: &&str| {
        table.section(section).is_some_and(|known| known.contains_key(&directive.value))
    };
    let known = table.section(section).into_iter().flat_map(BTreeMap::keys);
    let help = match table.sections().find(has) {
        Some(other) => format!("it stands in a section like `[{other}]`"),
        None => suggestion(&directive.value, known.map(String::as_str), || {
            "systemd would pass over it; `X-…` is for others than systemd".to_owned()
        }),
    };
    Diagnostic::warning(Code::UnknownName, message).at(directive.span, "").help(help)
}
