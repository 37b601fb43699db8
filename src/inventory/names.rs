//! What names of hosts and groups stand for.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostic, Diagnostics, suggestion};
use crate::model::host::{HostId, HostSet};
use crate::source::Span;

/// Names of hosts and groups, and those that are neither.
#[derive(Default, Debug)]
pub(super) struct Names {
    pub(super) hosts: BTreeMap<String, HostId>,
    pub(super) groups: BTreeMap<String, HostSet>,
    /// Names in which something is wrong, and groups that lack a member for it: told once, not again
    /// where they are named.
    pub(super) broken: BTreeSet<String>,
}

impl Names {
    /// The hosts of a host's or a group's name.
    pub(super) fn set(&self, name: &str) -> Option<HostSet> {
        let host = self.hosts.get(name).copied().map(HostSet::one);
        host.or_else(|| self.groups.get(name).cloned())
    }

    /// Whether a name stands for all the hosts that it was meant for.
    pub(super) fn is_whole(&self, name: &str) -> bool {
        self.set(name).is_some() && !self.broken.contains(name)
    }

    /// Tells of a name of nothing, unless it was told before what is wrong with it.
    pub(super) fn unknown(&self, name: &str, span: Span, diagnostics: &mut Diagnostics) {
        if self.broken.contains(name) {
            return;
        }
        let known = self.hosts.keys().chain(self.groups.keys()).map(String::as_str);
        let help = suggestion(name, known, || {
            format!("add `host \"{name}\" address=\"…\"`, or name one that there is")
        });
        let message = format!("no host and no group is called `{name}`");
        diagnostics.push(Diagnostic::error(Code::UnknownHost, message).at(span, "").help(help));
    }
}
