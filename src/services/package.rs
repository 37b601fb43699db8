//! `package`: packages that a host must have besides.
//!
//! They are there before anything else is installed: with `--install-packages`, or by hand. None
//! is removed: nobody knows who else needs it.

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::host::HostSet;
use crate::syntax::node::Node;

pub(super) struct OwnPackage {
    names: Vec<String>,
    on: HostSet,
}

impl Service for OwnPackage {
    const KIND: &'static str = "package";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let names = node.args.iter().filter_map(read::text).map(|it| it.value).collect();
        Some(Self { names, on: set(&cx.managed_hosts(node, "on")) })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, _: &mut Declare) {}

    fn check(&self, _: &Checking, _: &mut Diagnostics) {}

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            for name in &service.options.names {
                cx.package(service.owner(), name.clone());
            }
        }
    }
}
