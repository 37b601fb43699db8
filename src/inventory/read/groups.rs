//! Nodes of groups, flattened to hosts; and what listens on these that nobody here manages.

use std::collections::BTreeMap;

use super::Reading;
use crate::diag::{Code, Diagnostic};
use crate::inventory::ForeignListener;
use crate::model::facts::Origin;
use crate::model::host::{HostId, HostSet};
use crate::model::value::Port;
use crate::syntax::node::{Node, Scalar, Value};

/// Deepest nesting of groups in groups.
const GROUP_DEPTH: usize = 32;

impl Reading<'_> {
    /// Gives the groups to the names; what listens on their hosts.
    pub(super) fn groups(&mut self, nodes: &[&Node]) -> Vec<ForeignListener> {
        let nodes = self.by_name(nodes);
        for name in nodes.keys() {
            self.flatten(name, &nodes, &mut Vec::new());
        }
        for value in nodes.values().flat_map(|node| members(node)) {
            self.set(value);
        }
        nodes.values().flat_map(|node| self.listeners(node)).collect()
    }

    /// Of two groups with one name the first stays.
    fn by_name<'a>(&mut self, nodes: &[&'a Node]) -> BTreeMap<&'a str, &'a Node> {
        let mut by_name: BTreeMap<&str, &Node> = BTreeMap::new();
        for node in nodes {
            let Some(name) = node.label() else { continue };
            match by_name.get(name) {
                Some(first) => self.name_taken(name, node, first.head),
                None if self.names.hosts.contains_key(name) => {
                    let message = format!("`{name}` is a host and a group");
                    let help = "give the group another name";
                    self.diagnostics.push(
                        Diagnostic::error(Code::NameTaken, message).at(node.head, "").help(help),
                    );
                }
                None => {
                    by_name.insert(name, node);
                }
            }
        }
        by_name
    }

    /// The hosts of a group. Members that are nobody are left out, and told later, when all names
    /// are known.
    fn flatten(
        &mut self,
        name: &str,
        groups: &BTreeMap<&str, &Node>,
        open: &mut Vec<String>,
    ) -> HostSet {
        if let Some(set) = self.names.groups.get(name) {
            return set.clone();
        }
        let node = groups[name];
        if open.len() == GROUP_DEPTH {
            let message = format!("more than {GROUP_DEPTH} groups in groups");
            let help = "name the hosts themselves somewhere in between";
            self.diagnostics
                .push(Diagnostic::error(Code::TooDeep, message).at(node.head, "").help(help));
            return HostSet::default();
        }
        open.push(name.to_owned());
        let mut hosts: Vec<HostId> = Vec::new();
        for value in members(node) {
            let Some(member) = value.as_str() else { continue };
            if let Some(host) = self.names.hosts.get(member) {
                hosts.push(*host);
                continue;
            }
            if open.iter().any(|it| it == member) {
                let message = format!("the group `{member}` contains itself");
                let help = "take it out of its members";
                self.diagnostics.push(
                    Diagnostic::error(Code::GroupInItself, message).at(value.span, "").help(help),
                );
            } else if groups.contains_key(member) {
                hosts.extend(self.flatten(member, groups, open).iter());
            }
            if !self.names.is_whole(member) {
                self.names.broken.insert(name.to_owned());
            }
        }
        open.pop();
        let set: HostSet = hosts.into_iter().collect();
        self.names.groups.insert(name.to_owned(), set.clone());
        set
    }

    fn listeners(&mut self, group: &Node) -> Vec<ForeignListener> {
        let mut listeners = Vec::new();
        for listens in group.children_named("listens") {
            let [port, what] = listens.args.as_slice() else { continue };
            let (Scalar::Integer(port), Some(what)) = (&port.scalar, what.as_str()) else {
                continue;
            };
            let Ok(port) = Port::parse(*port) else { continue };
            let hosts = group.label().and_then(|name| self.names.set(name));
            listeners.push(ForeignListener {
                port,
                what: what.to_owned(),
                hosts: hosts.unwrap_or_default(),
                from: listens.prop("from").map(|name| self.set(name)).unwrap_or_default(),
                origin: Origin { span: listens.head, path: group.key().into() },
            });
        }
        listeners
    }

    /// The hosts of a name, told where there are none of it.
    fn set(&mut self, value: &Value) -> HostSet {
        let name = value.as_str().unwrap_or_default();
        self.names.set(name).unwrap_or_else(|| {
            self.names.unknown(name, value.span, self.diagnostics);
            HostSet::default()
        })
    }
}

fn members(group: &Node) -> impl Iterator<Item = &Value> {
    group.children_named("members").flat_map(|it| &it.args)
}
