//! `unit`: units of systemd's, and drop-ins for those that others own.
//!
//! Sections and directives are systemd's own; what is held against the platform's version is
//! whether a directive is there. `systemd-analyze verify` reads the files on the host: its exit
//! code says little and counts what is wrong with other units, so what it says of ours is read.
//! Seen with systemd 252 of Debian 12. Not here: units that a service of another kind brings.

use std::collections::BTreeMap;

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics, or_list, suggestion};
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::plan::OnChange;
use crate::model::value::AbsPath;
use crate::model::view::Fields;
use crate::quote::{Text, fixed, raw_lines, sh_word, systemd_line, systemd_section};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;
use crate::systemd::Directives;

pub(super) struct OwnUnit {
    name: Spanned<String>,
    on: HostSet,
    drop_in: Option<String>,
    sections: Vec<Section>,
    on_change: Option<String>,
    extra: Vec<Spanned<String>>,
}

struct Section {
    name: Spanned<String>,
    lines: Vec<(Spanned<String>, Spanned<String>)>,
}

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

impl Service for OwnUnit {
    const KIND: &'static str = "unit";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let text = |child: &str| read::first(node, child).and_then(read::text).map(|it| it.value);
        Some(Self {
            name: read::text(node.args.first()?)?,
            on: set(&cx.managed_hosts(node, "on")),
            drop_in: text("drop-in"),
            sections: node.children_named("section").filter_map(section).collect(),
            on_change: text("on-change"),
            extra: read::texts(node, "extra"),
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        let path = AbsPath::known(self.path());
        declare.claim(&self.on, &path, ClaimKind::Alike, self.name.span);
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
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

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            service.options.lower_one(service, cx);
        }
    }
}

fn section(node: &Node) -> Option<Section> {
    let lines = node.children_named("set").filter_map(|line| match &*line.args {
        [directive, value] => Some((read::text(directive)?, read::text(value)?)),
        _ => None,
    });
    Some(Section { name: read::text(node.args.first()?)?, lines: lines.collect() })
}

impl OwnUnit {
    fn path(&self) -> String {
        let unit = format!("/etc/systemd/system/{}", self.name.value);
        match &self.drop_in {
            Some(name) => format!("{unit}.d/{name}.conf"),
            None => unit,
        }
    }

    fn suffix(&self) -> &str {
        self.name.value.rsplit_once('.').map_or("", |(_, suffix)| suffix)
    }

    /// A template is started by its instances' names.
    fn is_template(&self) -> bool {
        self.name.value.contains("@.")
    }

    /// Whether it is enabled, and up when all is done.
    fn is_started(&self) -> bool {
        let installed = self.sections.iter().any(|section| section.name.value == "Install");
        let by_kind = self.default_target().is_some();
        self.drop_in.is_none() && !self.is_template() && (installed || by_kind)
    }

    /// What takes in a timer or a socket that does not say it.
    fn default_target(&self) -> Option<&'static str> {
        match self.suffix() {
            "timer" => Some("timers.target"),
            "socket" => Some("sockets.target"),
            _ => None,
        }
    }

    /// The value that holds of a directive, which is the last one.
    fn value(&self, section: &str, directive: &str) -> Option<&str> {
        let sections = self.sections.iter().filter(|it| it.name.value == section);
        let mut lines = sections.flat_map(|it| &it.lines);
        lines.rfind(|(name, _)| name.value == directive).map(|(_, value)| &*value.value)
    }

    fn ends_by_itself(&self) -> bool {
        let stays = ["yes", "true", "on", "1"];
        self.value("Service", "Type") == Some("oneshot")
            && !self.value("Service", "RemainAfterExit").is_some_and(|it| stays.contains(&it))
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

    fn lower_one(&self, service: &Located<Self>, cx: &mut Lowering) {
        let owner = service.owner();
        let name = &self.name.value;
        let mut sections: Vec<Fields> =
            self.sections.iter().map(|section| section.view(cx)).collect();
        let installed = self.sections.iter().any(|section| section.name.value == "Install");
        if let Some(target) = self.default_target().filter(|_| !installed && self.drop_in.is_none())
        {
            let wanted = fixed(&format!("WantedBy={target}"), self.name.span);
            let install =
                Fields::new(self.name.span).text("name", fixed("Install", self.name.span));
            sections.push(install.texts("lines", [wanted]));
        }
        let view = Fields::new(service.origin.span)
            .list("sections", sections)
            .texts("extra", self.extra.iter().map(|lines| raw_lines(lines, 0)));
        let path = self.path();
        cx.template(owner, &path, 0o644, "unit/unit", view, self.on_change());
        let check = cx.text(self.verification(self.name.span), self.name.span);
        cx.check(owner, check.as_str(), &[0], &[&path]);
        if self.is_started() {
            cx.unit(owner, name, &[]);
        }
        if let Some((title, proof)) = self.proof() {
            cx.verify(owner, &title, &proof, None);
        }
    }

    fn on_change(&self) -> OnChange {
        let name = self.name.value.clone();
        let taken_up = ["service", "timer", "socket", "path"].contains(&self.suffix())
            && !self.is_template()
            && (self.is_started() || !self.ends_by_itself());
        match self.on_change.as_deref() {
            Some("reload") => OnChange::Reload(name),
            Some("restart") => OnChange::Restart(name),
            None if taken_up => OnChange::Restart(name),
            _ => OnChange::Nothing,
        }
    }

    /// What systemd says of this file and of its unit, which must be nothing.
    fn verification(&self, span: Span) -> Result<Text, crate::quote::Unquotable> {
        let unit = &self.name.value;
        // of a template it is an instance that is looked at
        let shown = unit.replace('\\', "\\\\").replace("@.", "@[^ ]*.");
        let file = sh_word(&format!("^{}:", self.path().replace('\\', "\\\\")), span)?;
        let said = sh_word(&format!("^{shown}: "), span)?;
        let missing = sh_word(&format!("^Unit {shown} "), span)?;
        let path = sh_word(&format!("/etc/systemd/system/{unit}"), span)?;
        let [file, said, missing, path] = [&file, &said, &missing, &path].map(Text::as_str);
        let command =
            format!("! systemd-analyze verify {path} 2>&1 | grep -e {file} -e {said} -e {missing}");
        Ok(fixed(&command, span))
    }

    /// What `--verify` proves beside the unit being up: a title and a line of sh.
    fn proof(&self) -> Option<(String, String)> {
        let name = &self.name.value;
        if let Some(drop_in) = &self.drop_in {
            let title = format!("{name} has taken up {drop_in}.conf");
            let paths = format!("systemctl show -p DropInPaths {}", sh(name)?);
            return Some((title, format!("{paths} | grep -qF {}", sh(&self.path())?)));
        }
        let section = match self.suffix() {
            "timer" => "Timer",
            "path" => "Path",
            _ => return None,
        };
        let stem = name.strip_suffix(self.suffix())?;
        let default = format!("{stem}service");
        let target = self.value(section, "Unit").unwrap_or(&default);
        let title = format!("{target} is there for {name}");
        Some((title, format!("systemctl cat {} >/dev/null", sh(target)?)))
    }
}

fn sh(word: &str) -> Option<String> {
    sh_word(word, Span::default()).ok().map(|it| it.as_str().to_owned())
}

impl Section {
    fn view(&self, cx: &mut Lowering) -> Fields {
        let name = cx.text(systemd_section(&self.name.value, self.name.span), self.name.span);
        let lines = self.lines.iter().map(|(directive, value)| {
            cx.text(systemd_line(&directive.value, &value.value, value.span), value.span)
        });
        let lines: Vec<Text> = lines.collect();
        Fields::new(self.name.span).text("name", name).texts("lines", lines)
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
