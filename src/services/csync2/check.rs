//! What is wrong with a group: its members, their addresses, what it includes, its version.

use super::{Csync2, purpose};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::host::HostId;
use crate::services::Checking;
use crate::services::declare::twice;
use crate::source::{Span, Spanned};

impl Csync2 {
    pub(super) fn check_members(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        if self.members.len() < 2 && self.complete {
            let message = format!("`{}` has nobody to keep files alike with", cx.instance.key);
            let span = self.members.first().map_or(self.span, |member| member.span);
            diagnostics.push(
                Diagnostic::error(Code::TooFew, message)
                    .at(span, "the only member")
                    .help("name two members at least"),
            );
        }
    }

    /// Before 2.0 a backup's messages go into the connection of the peer (Gluu's guide to csync2);
    /// its database is another one, too. No release that is supported ships it.
    pub(super) fn check_version(&self, diagnostics: &mut Diagnostics) {
        let Some(version) = self.version.as_ref().filter(|it| !it.value.at_least(&[2])) else {
            return;
        };
        let message = format!("csync2 {} is older than what clustergen writes for", version.value);
        let help = "its backups break the connection; take 2.0, as every platform here ships it";
        let diagnostic = Diagnostic::error(Code::TooOld, message).at(version.span, "");
        diagnostics.push(diagnostic.help(help));
    }

    /// csync2 calls from the address of its own name, and is known by it: a member with an inner
    /// address calls all others from there, and one without has to answer into that network.
    pub(super) fn check_addresses(&self, inventory: &Inventory, diagnostics: &mut Diagnostics) {
        let has = |it: &&Spanned<HostId>| {
            inventory.host(it.value).address(purpose().as_ref()).purpose.is_some()
        };
        let (with, without): (Vec<_>, Vec<_>) = self.members.iter().partition(has);
        let (Some(with), Some(without)) = (with.first(), without.first()) else { return };
        let (with, without) = (inventory.host(with.value), inventory.host(without.value));
        let message = format!(
            "`{}` has an address for replication, and `{}` has none",
            with.name, without.name
        );
        diagnostics.push(
            Diagnostic::warning(Code::MixedPurpose, message)
                .at(without.origin.span, "it has to find a way to the inner address of the other")
                .at(with.address(purpose().as_ref()).span, "from here csync2 calls all members")
                .help("add `address \"…\" for=\"replication\"` to every member, or to none"),
        );
    }

    pub(super) fn check_includes(&self, diagnostics: &mut Diagnostics) {
        let texts: Vec<(String, Span)> =
            self.includes.iter().map(|it| (it.value.as_str().to_owned(), it.span)).collect();
        for (path, first, second) in twice(&texts, |it| (it.0.as_str(), it.1)) {
            diagnostics.push(
                Diagnostic::error(Code::NameTaken, format!("`{path}` is included twice"))
                    .at(second, "the second one")
                    .at(first, "the first one")
                    .help("keep one of them"),
            );
        }
    }
}
