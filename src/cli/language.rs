//! Commands about the language itself: they read no description.

use super::args::{ExplainArgs, InitArgs, SchemaArgs};
use super::{Done, Failure, print, write};
use crate::Knowledge;
use crate::diag::{self, Code, did_you_mean};
use crate::disk::RealFolder;
use crate::source::Sources;
use crate::{reference, schema};

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

/// `init`: a description to start from.
pub(super) fn init(args: &InitArgs) -> Done {
    let product = args.product.as_deref();
    let text = schema::starter(product)
        .ok_or_else(|| Failure::Bug("a product without a starter".to_owned()))?;
    let path = args.output.display();
    write::new(&args.output, text.as_bytes())?;
    print(&format!("{path}: put your names and addresses in, then run `clustergen check {path}`\n"))
}

/// `explain`: what a code means, or all codes with their titles.
pub(super) fn explain(args: &ExplainArgs) -> Done {
    let Some(asked) = &args.code else {
        let line = |code: &Code| format!("{}  {}\n", code.id(), code.title());
        return print(&Code::ALL.iter().map(line).collect::<String>());
    };
    let id = asked.to_ascii_uppercase();
    let Some(code) = Code::ALL.iter().find(|code| code.id() == id) else {
        let near = did_you_mean(&id, Code::ALL.iter().map(|code| code.id()));
        let near = near.map_or_else(String::new, |it| format!("did you mean `{it}`? "));
        return Err(Failure::Usage(format!(
            "there is no code `{asked}`: {near}`clustergen explain` lists them all"
        )));
    };
    let page = diag::explain(*code).ok_or_else(|| Failure::Bug(format!("{id} is not explained")));
    print(&page?)
}
