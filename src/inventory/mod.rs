//! The inventory: the cluster, its hosts and groups, before any service is read.
//!
//! In: the description's nodes, the platforms. Out: [`Inventory`], hosts sorted by name, groups
//! flattened. Not here: secrets and certificates, which products may add (see `decode`).

mod host;
mod names;
mod read;

pub use host::{Address, Host, SshKey};
pub use read::inventory;

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::facts::Origin;
use crate::model::host::{HostId, HostSet};
use crate::model::key_type::KeyType;
use crate::model::value::Port;
use crate::source::Spanned;
use crate::syntax::node::{Node, Value};
use names::Names;

/// The cluster node's own words.
#[derive(Clone, Debug)]
pub struct ClusterInfo {
    /// Whether the node keeps to the schema; where not, other words stand in for what is wrong.
    pub is_sound: bool,
    pub name: String,
    pub domain: String,
    pub timezone: Option<Spanned<String>>,
    pub time_servers: Vec<Spanned<String>>,
    pub templates: Option<Spanned<String>>,
    pub authority: Authority,
    pub origin: Origin,
}

/// Who signs the hosts' certificates; one that is made here where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    /// The file of one that is given, and of those above it.
    pub cert: Option<Spanned<String>>,
    /// The secret that is its key, where it was not made here.
    pub key: Option<Spanned<String>>,
    /// Of a key that is made here.
    pub key_type: Option<Spanned<KeyType>>,
}

/// A port on which something listens that the description does not manage.
#[derive(Clone, Debug)]
pub struct ForeignListener {
    pub port: Port,
    pub what: String,
    pub hosts: HostSet,
    /// Who is said to come.
    pub from: HostSet,
    pub origin: Origin,
}

/// What there is.
#[derive(Debug)]
pub struct Inventory {
    pub cluster: ClusterInfo,
    /// Sorted by name; a [`HostId`] is a place in here.
    pub hosts: Vec<Host>,
    names: Names,
    pub listeners: Vec<ForeignListener>,
    /// To whom the vault's files are encrypted; none where they are plain.
    pub vault: Vec<Spanned<String>>,
}

impl Inventory {
    #[must_use]
    pub fn host(&self, id: HostId) -> &Host {
        &self.hosts[id.index()]
    }

    #[must_use]
    pub fn find(&self, name: &str) -> Option<HostId> {
        self.names.hosts.get(name).copied()
    }

    /// The hosts of a host's or a group's name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<HostSet> {
        self.names.set(name)
    }

    /// Groups and who is in them, sorted by name.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &HostSet)> {
        self.names.groups.iter().map(|(name, set)| (name.as_str(), set))
    }

    pub fn ids(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..).map(HostId).take(self.hosts.len())
    }

    /// Hosts that get a bundle.
    pub fn managed(&self) -> impl Iterator<Item = HostId> {
        self.ids().filter(|id| self.host(*id).managed)
    }

    /// Whether names stand for all the hosts that they were meant for: something was told where they
    /// do not.
    pub fn is_whole<'a>(&self, values: impl IntoIterator<Item = &'a Value>) -> bool {
        let mut names = values.into_iter().filter_map(Value::as_str);
        names.all(|name| self.names.is_whole(name))
    }

    /// The hosts that a list of names stands for, in the order in which they are written.
    pub fn resolve(&self, values: &[Value], diagnostics: &mut Diagnostics) -> Vec<Spanned<HostId>> {
        let mut hosts: Vec<Spanned<HostId>> = Vec::new();
        let mut known = BTreeSet::new();
        for value in values {
            let Some(name) = value.as_str() else { continue };
            match self.set(name) {
                Some(set) => {
                    let new = set.iter().filter(|host| known.insert(*host));
                    hosts.extend(new.map(|host| Spanned::new(host, value.span)));
                }
                None => self.names.unknown(name, value.span, diagnostics),
            }
        }
        hosts
    }

    /// Tells hosts that are asked to run something, and get no bundle.
    pub fn all_managed(&self, hosts: &[Spanned<HostId>], diagnostics: &mut Diagnostics) {
        for host in hosts {
            let known = self.host(host.value);
            if !known.managed {
                let message = format!("`{}` gets no bundle, so nothing can run there", known.name);
                diagnostics.push(
                    Diagnostic::error(Code::Unmanaged, message)
                        .at(host.span, "")
                        .at(known.origin.span, "`managed=#false` stands here")
                        .help("take `managed=#false` off the host, or name another one"),
                );
            }
        }
    }
}

/// The origin of what a node makes: its place and its path.
#[must_use]
pub fn origin(node: &Node) -> Origin {
    let path = node.made_by.clone().unwrap_or_else(|| node.key());
    Origin { span: node.head, path: path.into() }
}
