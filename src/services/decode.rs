//! What a service's `decode` may look at: the inventory, and the names of secrets and
//! certificates.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics, suggestion};
use crate::inventory::Inventory;
use crate::model::facts::{Certificate, Origin, SecretSource};
use crate::model::host::{HostId, HostSet};
use crate::source::Spanned;
use crate::syntax::node::{Node, Value};

/// A secret by name.
#[derive(Clone, Debug)]
pub struct SecretDecl {
    pub source: SecretSource,
    pub origin: Origin,
}

/// What services refer to by name.
#[derive(Default, Debug)]
pub struct Names {
    pub certificates: BTreeMap<String, Certificate>,
    pub secrets: BTreeMap<String, SecretDecl>,
}

/// The surroundings of a node that is decoded.
pub struct Decode<'a> {
    pub inventory: &'a Inventory,
    pub names: &'a Names,
    pub diagnostics: &'a mut Diagnostics,
}

impl Decode<'_> {
    /// The hosts that all children of a name list, in the order in which they are written. Hosts
    /// that get no bundle are refused.
    pub fn managed_hosts(&mut self, node: &Node, child: &str) -> Vec<Spanned<HostId>> {
        let hosts = self.hosts(node, child);
        self.inventory.all_managed(&hosts, self.diagnostics);
        hosts
    }

    /// The same for hosts that may be anybody's.
    pub fn hosts(&mut self, node: &Node, child: &str) -> Vec<Spanned<HostId>> {
        let values: Vec<Value> =
            node.children_named(child).flat_map(|it| &it.args).cloned().collect();
        self.inventory.resolve(&values, self.diagnostics)
    }

    /// The certificate that a value names.
    pub fn certificate(&mut self, value: &Value) -> Option<(Spanned<String>, Certificate)> {
        let name = value.as_str()?;
        if let Some(known) = self.names.certificates.get(name) {
            return Some((Spanned::new(name.to_owned(), value.span), known.clone()));
        }
        let known = self.names.certificates.keys().map(String::as_str);
        let help =
            suggestion(name, known, || format!("add `certificate \"{name}\" {{ names \"…\" }}`"));
        let message = format!("no certificate is called `{name}`");
        self.diagnostics.push(
            Diagnostic::error(Code::UnknownCertificate, message).at(value.span, "").help(help),
        );
        None
    }

    /// The secret of this name, referred to at `name`'s place.
    pub fn secret(&mut self, name: &Spanned<String>) -> Option<SecretDecl> {
        if let Some(known) = self.names.secrets.get(&name.value) {
            return Some(known.clone());
        }
        let known = self.names.secrets.keys().map(String::as_str);
        let help = suggestion(&name.value, known, || {
            format!("add `secret \"{}\" {{ generate }}`", name.value)
        });
        let message = format!("no secret is called `{}`", name.value);
        self.diagnostics
            .push(Diagnostic::error(Code::UnknownSecret, message).at(name.span, "").help(help));
        None
    }
}

/// The hosts of a list, as a set.
pub(super) fn set(hosts: &[Spanned<HostId>]) -> HostSet {
    hosts.iter().map(|host| host.value).collect()
}
