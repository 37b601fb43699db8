//! The unit's file, what systemd says of it on the host, and what proves that it works.

use super::{OwnUnit, Section};
use crate::model::plan::OnChange;
use crate::model::view::Fields;
use crate::quote::{Text, Unquotable, fixed, raw_lines, sh_word, systemd_line, systemd_section};
use crate::services::{Located, Lowering};
use crate::source::Span;

pub(super) fn lower(services: &[Located<OwnUnit>], cx: &mut Lowering) {
    for service in services {
        service.options.lower(service, cx);
    }
}

impl OwnUnit {
    fn lower(&self, service: &Located<Self>, cx: &mut Lowering) {
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
        for (title, proof) in self.proofs().unwrap_or_default() {
            cx.verify(owner, &title, &proof);
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

    /// What systemd says of this file and of its unit, which must be nothing. It would complain of
    /// a package's unit whose manual page an image leaves out (`--man=no`: since systemd 216).
    fn verification(&self, span: Span) -> Result<Text, Unquotable> {
        let unit = &self.name.value;
        // of a template it is an instance that is looked at
        let shown = unit.replace('\\', "\\\\").replace("@.", "@[^ ]*.");
        let file = sh_word(&format!("^{}:", self.path().replace('\\', "\\\\")), span)?;
        let said = sh_word(&format!("^{shown}: "), span)?;
        let missing = sh_word(&format!("^Unit {shown} "), span)?;
        let path = sh_word(&format!("/etc/systemd/system/{unit}"), span)?;
        let [file, said, missing, path] = [&file, &said, &missing, &path].map(Text::as_str);
        let told = format!("systemd-analyze --man=no verify {path} 2>&1");
        Ok(fixed(&format!("! {told} | grep -e {file} -e {said} -e {missing}"), span))
    }

    /// What `--verify` proves beside the unit being up: titles and lines of sh.
    fn proofs(&self) -> Option<Vec<(String, String)>> {
        let name = &self.name.value;
        if let Some(drop_in) = &self.drop_in {
            let title = format!("{name} has taken up {drop_in}.conf");
            let paths = format!("systemctl show -p DropInPaths {}", sh(name)?);
            return Some(vec![(title, format!("{paths} | grep -qF {}", sh(&self.path())?))]);
        }
        let section = match self.suffix() {
            "timer" => "Timer",
            "path" => "Path",
            _ => return None,
        };
        let stem = name.strip_suffix(self.suffix())?;
        let default = format!("{stem}service");
        let target = self.value(section, "Unit").unwrap_or(&default);
        let (unit, word) = (sh(name)?, sh(target)?);
        let mut proofs = vec![(
            format!("{target} is there for {name}"),
            format!("systemctl cat {word} >/dev/null"),
        )];
        if self.is_started() {
            let failed = format!("! systemctl is-failed {word} ||");
            let journal = format!("{{ journalctl -q -n 10 -u {word}; exit 1; }}");
            proofs.push((
                format!("{target} did not fail when {name} last started it"),
                format!("{failed} {journal}"),
            ));
        }
        if self.is_started() && self.comes_again() {
            let state = format!("systemctl show -p SubState {unit}");
            proofs.push((
                format!("it is known when {name} is next"),
                format!("{state} | grep -x -e SubState=waiting -e SubState=running"),
            ));
        }
        Some(proofs)
    }

    /// A timer that has a next time whenever it is asked. systemd says `elapsed` of one that has
    /// none, as where nothing starts the first round of `OnUnitActiveSec`.
    fn comes_again(&self) -> bool {
        let again = ["OnCalendar", "OnUnitActiveSec", "OnUnitInactiveSec"];
        again.iter().any(|directive| self.value("Timer", directive).is_some())
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
