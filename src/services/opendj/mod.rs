//! `opendj`: multi-master replication between OpenDJ servers that somebody else's installer set up.
//!
//! Files: one script with all that is asked of OpenDJ and done with it, and beside it what goes into
//! OpenDJ's stores, in a folder that is root's alone. Steps: on each server its stores and connectors;
//! on the first one, `dsreplication enable` and `initialize` for each of the others. What is done is
//! proven by what `dsreplication status` and the servers answer.
//!
//! A server is known by its address, as in Gluu's guide: inside a container nobody's `/etc/hosts`
//! need know the others.
//!
//! Sources: OpenDJ Administration Guide 3.0 (Managing Data Replication, Changing Server Certificates);
//! OpenDJ 3.0.0's `ReplicationCliMain`, `ReplicationCliArgumentParser`, `ADSContext`. What they say:
//! - `enable` sets `ssl-encryption` of the crypto manager to what `--secureReplication` says, so it
//!   is said there and not before.
//! - Between tabs `status` leaves out what is empty at the end of a line.
//! - Who replicates the same data has one `ds-sync-generation-id`; `initialize` hands it over.
//!
//! Not here: OpenDJ itself, its users, and what else trusts its certificate.

mod check;
mod lower;
mod options;

use super::declare::VALIDITY;
use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service};
use crate::diag::Diagnostics;
use crate::inventory::{Host, Inventory};
use crate::model::consequence::Consequence;
use crate::model::facts::{
    Audience, Bind, Chapter, ClaimKind, Endpoint, Link, Listener, Protocol, Secret, SecretSource,
    StepFact, TlsName, Usage,
};
use crate::model::host::{HostId, HostSet};
use crate::model::name::Label;
use crate::model::own;
use crate::model::value::Port;
use crate::source::Spanned;
use crate::syntax::node::Node;
pub(super) use options::Opendj;

/// So many characters has the password of the administrator whom `dsreplication` makes.
const PASSWORD_LENGTH: usize = 32;

/// OpenDJ's own stores, in its `config` folder.
const STORES: [&str; 4] = ["admin-keystore", "admin-truststore", "keystore", "truststore"];

impl Service for Opendj {
    const KIND: &'static str = "opendj";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        options::decode(node, cx)
    }

    fn hosts(&self) -> HostSet {
        set(&self.servers)
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        let servers = self.hosts();
        declare.claims(&servers, &[&self.configuration()], &ClaimKind::PerHost);
        for (port, what) in self.doors() {
            self.declare_door(port, what, declare);
        }
        if self.vendor_certificates.is_none() {
            declare.leaf(&servers, Self::KIND, (Usage::Server, VALIDITY), inventory);
            for host in servers.iter() {
                // OpenDJ's tools ask it where it listens to nobody else yet
                let known = [known_as(inventory.host(host))];
                declare.leaf_bears(host, Self::KIND, "localhost", &known);
            }
            for store in STORES {
                let path = format!("{}/config/{store}", self.outside());
                declare.claims(&servers, &[&path], &ClaimKind::PerHost);
            }
        }
        let here = self.here(&inventory.cluster.name);
        for part in ["opendj", "cert.pem", "key.pem", "ca.pem", "admin-password"] {
            declare.claims(&servers, &[&format!("{here}/{part}")], &ClaimKind::PerHost);
        }
        if self.admin_password.is_none() {
            let source = SecretSource::Generate { length: PASSWORD_LENGTH };
            let secret = Secret { source, origin: declare.origin.clone() };
            declare.secret(self.admin_secret(), secret);
        }
        let bases: Vec<&str> = self.bases.iter().map(|it| it.value.as_str()).collect();
        declare.pin(&servers, "base", bases.join(" "), Consequence::DestroysData);
        for host in servers.iter() {
            // the others have written it down when it was enabled
            let known = known_as(inventory.host(host)).to_string();
            declare.pin(&HostSet::one(host), "known-as", known, Consequence::ManualStep);
        }
        declare.pin(&servers, "admin", self.admin.value.clone(), Consequence::ManualStep);
        self.declare_steps(inventory, declare);
        self.declare_runbook(&here, declare);
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        self.check_servers(cx, diagnostics);
        self.check_folder(cx, diagnostics);
        self.check_version(diagnostics);
        self.check_bases(diagnostics);
        self.check_certificates(diagnostics);
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            lower::lower(service, cx);
        }
    }
}

/// Servers dial each other at the address that a host has for replication, where it has one.
fn purpose() -> Option<Label> {
    Label::parse("replication").ok()
}

/// The one address by which all servers know a host.
fn known_as(host: &Host) -> std::net::IpAddr {
    host.address(purpose().as_ref()).ip
}

impl Opendj {
    /// Beside what `apply.sh` keeps: root's alone.
    fn here(&self, cluster: &str) -> String {
        own::folder(cluster, Self::KIND, &self.name)
    }

    /// Where OpenDJ is for who is not in its container.
    fn outside(&self) -> String {
        let root = self.container.as_ref().map_or("", |it| it.path.value.as_str());
        format!("{root}{}", self.folder.value)
    }

    /// What OpenDJ itself goes on writing, and no other one has.
    fn configuration(&self) -> String {
        format!("{}/config/config.ldif", self.outside())
    }

    fn admin_secret(&self) -> String {
        let made = || format!("opendj[{}]/admin", self.name);
        self.admin_password.clone().unwrap_or_else(made)
    }

    fn doors(&self) -> [(&Spanned<Port>, &'static str); 3] {
        let ports = &self.ports;
        [
            (&ports.admin, "OpenDJ, administration"),
            (&ports.replication, "OpenDJ, replication"),
            (&ports.ldaps, "OpenDJ, LDAPS"),
        ]
    }

    fn declare_door(&self, port: &Spanned<Port>, what: &str, declare: &mut Declare) {
        let (servers, protocol) = (self.hosts(), Protocol::Tcp);
        let origin = declare.at(port.span);
        declare.listener(Listener {
            hosts: servers.clone(),
            bind: Bind::Any,
            port: port.value,
            protocol,
            audience: Audience::Peers,
            what: what.to_owned(),
            shared: None,
            mutual_tls: false,
            origin: origin.clone(),
        });
        // replication has keys of its own, which dsreplication hands round
        let ours = self.vendor_certificates.is_none() && port.value != self.ports.replication.value;
        let tls = ours.then(|| TlsName { leaf: Self::KIND.to_owned(), name: None });
        let to =
            Endpoint { hosts: servers.clone(), port: port.value, protocol, purpose: purpose() };
        declare.link(Link { from: servers, to, tls, why: what.to_owned(), origin });
    }

    /// In the order in which they are done, but for the first server's, which are one for each other.
    fn declare_steps(&self, inventory: &Inventory, declare: &mut Declare) {
        let [first, others @ ..] = self.servers.as_slice() else { return };
        let name = &self.name;
        let of = |it: &Spanned<HostId>| inventory.host(it.value).name.as_str();
        // where a step before the first is none, its name is what is wrong
        let named = self.after.first().map(|it| it.span);
        let mut step = |key: String, host: &Spanned<HostId>, after, title, destroys| {
            let origin = declare.at(named.unwrap_or(host.span));
            let needs = vec![self.password.clone()];
            declare.step(StepFact { key, host: host.value, after, title, needs, destroys, origin });
        };
        for server in &self.servers {
            let before = self.after.iter().map(|it| it.of(server.value)).collect();
            let title = format!("opendj `{name}`: {} listens to the others", of(server));
            step(self.connectors_step(), server, before, title, false);
        }
        let pairs = others.iter().flat_map(|it| self.bases.iter().map(move |base| (it, base)));
        for (other, base) in pairs {
            let (ours, theirs) = (of(first), of(other));
            let both = [first, other].map(|it| (it.value, self.connectors_step())).to_vec();
            let title = format!("opendj `{name}`: {ours} and {theirs} replicate `{}`", base.value);
            let enable = self.enable_step(theirs, base);
            step(enable.clone(), first, both, title, false);
            let title = format!(
                "opendj `{name}`: the data of {ours} in `{}` takes the place of {theirs}'s",
                base.value
            );
            let initialize = self.initialize_step(theirs, base);
            step(initialize.clone(), first, vec![(first.value, enable)], title, true);
            let given = vec![(other.value, self.connectors_step()), (first.value, initialize)];
            let title = format!("opendj `{name}`: the data of {ours} in `{}` has come", base.value);
            step(self.data_step(base), other, given, title, false);
        }
    }

    fn declare_runbook(&self, here: &str, declare: &mut Declare) {
        let name = &self.name;
        let adding = format!(
            "Where it is for the servers of opendj `{name}`, OpenDJ is set up there before its steps, with the same \
             base and the directory manager's password; then the first server is applied, and its steps for the new \
             one are done. The others go on meanwhile"
        );
        declare.runbook(Chapter::Adding, adding);
        let removing = format!(
            "Where it is one of the servers of opendj `{name}`, on it, while the others are up: \
             `{here}/opendj retire`. They forget it, and go on. The first one gives its place by being written \
             behind another"
        );
        declare.runbook(Chapter::Removing, removing);
        let replacing = format!(
            "Where it is a password of opendj `{name}`, OpenDJ itself is told before, by `ldappasswordmodify`: on \
             each server that of `{}`; on one of them that of `cn={},cn=Administrators,cn=admin data`, which the \
             others have from it",
            self.bind_dn.value, self.admin.value
        );
        declare.runbook(Chapter::Replacing, replacing);
    }

    fn connectors_step(&self) -> String {
        format!("opendj-{}-connectors", self.name)
    }

    fn enable_step(&self, other: &str, base: &Spanned<String>) -> String {
        format!("opendj-{}-enable-{other}-{}", self.name, word_of(base))
    }

    fn initialize_step(&self, other: &str, base: &Spanned<String>) -> String {
        format!("opendj-{}-initialize-{other}-{}", self.name, word_of(base))
    }

    /// Of the others, who wait for it.
    fn data_step(&self, base: &Spanned<String>) -> String {
        format!("opendj-{}-data-{}", self.name, word_of(base))
    }
}

/// A base in the name of a step, so that another base is another step: `o-gluu`.
fn word_of(base: &Spanned<String>) -> String {
    let words = base.value.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|it| !it.is_empty()).collect();
    words.join("-").to_lowercase()
}
