//! Nodes of hosts, read; and whether names and addresses tell them apart.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Reading, spanned};
use crate::diag::{Code, Diagnostic};
use crate::inventory::{Address, Host, SshKey, origin};
use crate::model::host::HostId;
use crate::model::name::{Label, is_everybodys};
use crate::model::value::host_address;
use crate::platform::Platform;
use crate::source::Span;
use crate::syntax::node::{Node, Scalar, Value};

impl Reading<'_> {
    /// Hosts sorted by name, which they give to the names; of two with one name the first stays.
    pub(super) fn hosts(
        &mut self,
        nodes: &[&Node],
        default: &Arc<Platform>,
        domain: &str,
    ) -> Vec<Host> {
        let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
        for node in nodes {
            let Some(name) = node.label() else { continue };
            if let Some(first) = hosts.get(name) {
                let first = first.origin.span;
                self.name_taken(name, node, first);
                continue;
            }
            self.usable(name, node);
            let own = self.platform(node.prop("platform"));
            let addresses = self.addresses(node);
            if addresses.is_empty() {
                self.names.broken.insert(name.to_owned());
                continue;
            }
            let aliases = node.children_named("alias").flat_map(|it| &it.args).filter_map(spanned);
            let host = Host {
                name: name.to_owned(),
                fqdn: format!("{name}.{domain}"),
                addresses,
                aliases: aliases.collect(),
                platform: own.unwrap_or_else(|| Arc::clone(default)),
                managed: node.prop("managed").is_none_or(|it| it.scalar != Scalar::Bool(false)),
                ssh_keys: node.children_named("ssh-host-key").filter_map(ssh_key).collect(),
                origin: origin(node),
            };
            hosts.insert(name.to_owned(), host);
        }
        let hosts: Vec<Host> = hosts.into_values().collect();
        self.addresses_differ(&hosts);
        self.aliases_are_free(&hosts);
        let ids = hosts.iter().zip((0..).map(HostId));
        self.names.hosts = ids.map(|(host, id)| (host.name.clone(), id)).collect();
        hosts
    }

    /// A name that programs take for something else than this host.
    fn usable(&mut self, name: &str, node: &Node) {
        let why = match name {
            _ if is_everybodys(name) => "is what every host calls itself",
            _ if name.bytes().all(|b| b.is_ascii_digit()) => "is taken for an address",
            _ => return,
        };
        let span = node.args.first().map_or(node.head, |arg| arg.span);
        let diagnostic = Diagnostic::error(Code::WrongValue, format!("`{name}` {why}"));
        self.diagnostics.push(diagnostic.at(span, "").help("give the host another name"));
    }

    /// An alias that is another host's name would lead some to the one, and some to the other.
    fn aliases_are_free(&mut self, hosts: &[Host]) {
        let named =
            hosts.iter().flat_map(|host| host.names().into_iter().map(move |it| (it, host)));
        let named: BTreeMap<String, &Host> = named.collect();
        for (host, alias) in hosts.iter().flat_map(|it| it.aliases.iter().map(move |a| (it, a))) {
            if is_everybodys(&alias.value) {
                let message = format!("`{}` is what every host calls itself", alias.value);
                let diagnostic = Diagnostic::error(Code::WrongValue, message);
                self.diagnostics.push(diagnostic.at(alias.span, "").help("take it out"));
            }
            let other = named.get(&alias.value).filter(|other| other.name != host.name);
            if let Some(other) = other {
                let message = format!("`{}` is a name of the host `{}`", alias.value, other.name);
                self.diagnostics.push(
                    Diagnostic::error(Code::NameTaken, message)
                        .at(alias.span, "the second one of that name")
                        .at(other.origin.span, "the first one")
                        .help("take it out, or give one of them another name"),
                );
            }
        }
    }

    fn addresses(&mut self, node: &Node) -> Vec<Address> {
        let mut list = Vec::new();
        let head = node.prop("address").map(|value| (value, None));
        let children = node.children_named("address").filter_map(|child| {
            let purpose = child.prop("for").and_then(Value::as_str);
            Some((child.args.first()?, purpose.and_then(|it| Label::parse(it).ok())))
        });
        for (value, purpose) in head.into_iter().chain(children) {
            // the schema has seen that it is one
            if let Some(Ok(ip)) = value.as_str().map(host_address) {
                list.push(Address { ip, purpose, span: value.span });
            }
        }
        if list.iter().all(|it| it.purpose.is_some()) {
            let message =
                format!("`{}` has no address of its own", node.label().unwrap_or_default());
            let help = "add `address=\"192.0.2.10\"`: the address by which the others reach it";
            self.diagnostics
                .push(Diagnostic::error(Code::Missing, message).at(node.head, "").help(help));
            list.clear();
        }
        list
    }

    fn addresses_differ(&mut self, hosts: &[Host]) {
        let mut seen: BTreeMap<IpAddr, (&str, Span)> = BTreeMap::new();
        let mut all: Vec<(&Host, &Address)> =
            hosts.iter().flat_map(|host| host.addresses.iter().map(move |it| (host, it))).collect();
        all.sort_by_key(|(_, address)| address.span);
        for (host, address) in all {
            if let Some((first, span)) = seen.insert(address.ip, (&host.name, address.span)) {
                let message = format!("`{first}` and `{}` have one address", host.name);
                self.diagnostics.push(
                    Diagnostic::error(Code::AddressTaken, message)
                        .at(address.span, "the second one")
                        .at(span, "the first one")
                        .help("give each host its own"),
                );
            }
        }
    }
}

fn ssh_key(node: &Node) -> Option<SshKey> {
    let line = node.args.first().and_then(spanned)?;
    let seals = node.prop("seal").is_none_or(|it| it.scalar != Scalar::Bool(false));
    Some(SshKey { line, seals })
}
