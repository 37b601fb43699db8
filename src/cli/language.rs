//! Commands about the language itself: they read no description.

use super::args::SchemaArgs;
use super::{Done, Failure, print};
use crate::Knowledge;
use crate::disk::RealFolder;
use crate::reference;
use crate::source::Sources;

/// `schema`: the reference.
pub(super) fn schema(args: &SchemaArgs) -> Done {
    let nothing = RealFolder(".".into());
    let knowledge = Knowledge::load(&mut Sources::new(&nothing)).map_err(Failure::Bug)?;
    match &args.node {
        None => print(&reference::whole(&knowledge)),
        Some(node) => {
            let section = reference::section(&knowledge.schema, node);
            print(&section.map_err(Failure::Usage)?)
        }
    }
}
