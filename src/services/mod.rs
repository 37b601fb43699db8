//! Services: what each one takes, asks for, and puts on hosts.
//!
//! In: checked nodes. Out: options, facts, resources. A service is one module here, one file in
//! `schema/`, one folder in `templates/`, its golden cases and one line in [`ALL`].
//! Services never import each other: what one needs of another goes through the facts.

mod after;
mod balancer;
mod certificate;
mod content;
mod cron;
mod cron_d;
mod csync2;
mod declare;
mod decode;
mod directory;
mod ensure;
mod file;
mod firewall;
mod grid;
mod hosts;
mod ini;
mod keyed;
mod keystore;
mod listens;
mod logrotate;
mod lowering;
mod nginx;
mod opendj;
mod package;
mod pair;
mod properties;
mod read;
mod redis;
mod rotation;
mod step;
mod stunnel;
mod time;
mod unit;
mod user;

pub use certificate::named as named_certificate;
pub use declare::Declare;
pub use decode::{Decode, Names, SecretDecl};
pub use lowering::Lowering;

use std::any::Any;

use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::facts::{Facts, Origin, ServiceKey};
use crate::model::host::HostSet;
use crate::syntax::node::Node;

/// Every service, by kind.
pub static ALL: &[Entry] = &[
    entry::<balancer::Balancer>(),
    entry::<certificate::Certificate>(),
    entry::<cron::Cron>(),
    entry::<csync2::Csync2>(),
    entry::<directory::OwnDirectory>(),
    entry::<ensure::OwnEnsure>(),
    entry::<file::OwnFile>(),
    entry::<firewall::Firewall>(),
    entry::<hosts::Hosts>(),
    entry::<ini::Ini>(),
    entry::<keystore::Keystore>(),
    entry::<listens::Listens>(),
    entry::<logrotate::Logrotate>(),
    entry::<nginx::Nginx>(),
    entry::<opendj::Opendj>(),
    entry::<package::OwnPackage>(),
    entry::<properties::Properties>(),
    entry::<redis::Redis>(),
    entry::<step::OwnStep>(),
    entry::<stunnel::Stunnel>(),
    entry::<time::Time>(),
    entry::<unit::OwnUnit>(),
    entry::<user::OwnUser>(),
];

/// What a service does at each stage.
trait Service: Sized + Send + Sync + 'static {
    /// The node's name.
    const KIND: &'static str;

    /// Typed options from a node that keeps to the schema. `None` after a fault was told.
    fn decode(node: &Node, cx: &mut Decode) -> Option<Self>;

    /// The hosts on which it puts something.
    fn hosts(&self) -> HostSet;

    /// What it asks for and offers. May read the inventory, but no other service's facts.
    fn declare(&self, inventory: &Inventory, declare: &mut Declare);

    /// What is wrong with it, given all that the others declared.
    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics);

    /// The resources of one host, from all the services of this kind that are on it: they share
    /// the daemon, and so its files.
    fn lower(services: &[Located<Self>], cx: &mut Lowering);
}

/// What a check may look at.
pub struct Checking<'a> {
    pub inventory: &'a Inventory,
    pub facts: &'a Facts,
    pub instance: &'a Instance,
}

/// Options and where they come from.
struct Located<'a, T> {
    options: &'a T,
    key: &'a ServiceKey,
    origin: &'a Origin,
}

/// A service as the description says it, its options' type erased.
pub struct Instance {
    pub key: ServiceKey,
    pub kind: &'static str,
    pub origin: Origin,
    pub hosts: HostSet,
    options: Box<dyn Any + Send + Sync>,
}

/// A service's functions, its type erased: a row of the registry.
pub struct Entry {
    pub kind: &'static str,
    pub decode: fn(&Node, Origin, &mut Decode) -> Option<Instance>,
    pub declare: fn(&Instance, &Inventory, &mut Declare),
    pub check: fn(&Checking, &mut Diagnostics),
    pub lower: fn(&[&Instance], &mut Lowering),
}

const fn entry<S: Service>() -> Entry {
    Entry {
        kind: S::KIND,
        decode: |node, origin, cx| {
            let options = S::decode(node, cx)?;
            Some(Instance {
                key: node.key().into(),
                kind: S::KIND,
                origin,
                hosts: options.hosts(),
                options: Box::new(options),
            })
        },
        declare: |instance, inventory, declare| {
            if let Some(options) = instance.options::<S>() {
                options.declare(inventory, declare);
            }
        },
        check: |cx, diagnostics| {
            if let Some(options) = cx.instance.options::<S>() {
                options.check(cx, diagnostics);
            }
        },
        lower: |instances, cx| {
            let located: Vec<Located<S>> = instances
                .iter()
                .filter_map(|it| {
                    let options = it.options::<S>()?;
                    Some(Located { options, key: &it.key, origin: &it.origin })
                })
                .collect();
            S::lower(&located, cx);
        },
    }
}

impl Instance {
    fn options<S: Service>(&self) -> Option<&S> {
        self.options.downcast_ref()
    }
}

/// The registry's row of a kind.
#[must_use]
pub fn find(kind: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.kind == kind)
}
