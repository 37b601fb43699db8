//! `unit`: units of systemd's, and drop-ins for those that others own.
//!
//! Sections and directives are systemd's own; what is held against the platform's version is
//! whether a directive is there. `systemd-analyze verify` reads the files on the host: its exit
//! code says little and counts what is wrong with other units, so what it says of ours is read.
//! Seen with systemd 252 of Debian 12. Not here: units that a service of another kind brings.

mod check;
mod lower;
mod values;

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::value::AbsPath;
use crate::source::Spanned;
use crate::syntax::node::Node;

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
        self.check_unit(cx, diagnostics);
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        lower::lower(services, cx);
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
        self.lines(section, directive).last().map(|value| &*value.value)
    }

    /// All values of a list; an empty one takes back those before it.
    fn values(&self, section: &str, directive: &str) -> Vec<&Spanned<String>> {
        let lines: Vec<&Spanned<String>> = self.lines(section, directive).collect();
        lines.rsplit(|it| it.value.is_empty()).next().unwrap_or_default().to_vec()
    }

    fn lines(&self, section: &str, directive: &str) -> impl Iterator<Item = &Spanned<String>> {
        let sections = self.sections.iter().filter(move |it| it.name.value == section);
        let lines = sections.flat_map(|it| &it.lines);
        lines.filter(move |(name, _)| name.value == directive).map(|(_, value)| value)
    }

    fn ends_by_itself(&self) -> bool {
        self.value("Service", "Type") == Some("oneshot") && !self.stays_up()
    }

    /// Whether it is up when its commands have ended.
    fn stays_up(&self) -> bool {
        let yes = ["1", "on", "t", "true", "y", "yes"];
        self.value("Service", "RemainAfterExit").is_some_and(|it| yes.contains(&it))
    }
}
