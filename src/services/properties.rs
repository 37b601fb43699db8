//! `properties`: keys of a Java properties file that others own. What it does stands in `keyed`.

use super::keyed::{self, Keyed};
use super::{Checking, Declare, Decode, Located, Lowering, Service};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::host::HostSet;
use crate::model::plan::KeyFormat;
use crate::syntax::node::Node;

pub(super) struct Properties(Keyed);

impl Service for Properties {
    const KIND: &'static str = "properties";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        Keyed::decode(KeyFormat::Properties, node, cx).map(Self)
    }

    fn hosts(&self) -> HostSet {
        self.0.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        self.0.declare(declare);
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        self.0.check(diagnostics);
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        let keyed: Vec<keyed::Located> =
            services.iter().map(|it| (&it.options.0, it.owner())).collect();
        keyed::lower(&keyed, cx);
    }
}
