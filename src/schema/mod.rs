//! The schema: which nodes there are, what they take, and whether a node keeps to it.
//!
//! In: the files of `schema/`, embedded, among them descriptions to start from. Out: [`Schema`],
//! and [`check::check`], which tells every structural fault of a node at once. The schema is the
//! one source of the structural check, the reference and completion. Not here: what names refer to
//! (see `inventory` and the services).

pub mod check;
mod load;
mod types;
mod zone;

pub use load::load;
pub use types::Type;

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/schema");

/// The text of one of our own schema files.
#[must_use]
pub fn file(name: &str) -> Option<&'static str> {
    FILES.get_file(name).and_then(include_dir::File::contents_utf8)
}

/// Tables of facts that lie beside the schema.
const TABLES: [&str; 2] = ["platforms.kdl", "systemd.kdl"];

/// Names and texts of the schema files, sorted; the tables of facts are none of them.
#[must_use]
pub fn files() -> Vec<(&'static str, &'static str)> {
    let mut files: Vec<(&str, &str)> = FILES
        .files()
        .filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
        .filter(|(name, _)| name.ends_with(".kdl") && !TABLES.contains(name))
        .collect();
    files.sort_unstable();
    files
}

/// The description to start from: for a product, or for none.
#[must_use]
pub fn starter(product: Option<&str>) -> Option<&'static str> {
    let name = format!("starters/{}.kdl", product.unwrap_or("plain"));
    FILES.get_file(name).and_then(include_dir::File::contents_utf8)
}

/// What a node is for; decides which stage reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// `cluster`, `host`, `group`, `secret`.
    Inventory,
    Product,
    Service,
}

/// Every top-level node.
#[derive(Default, Debug)]
pub struct Schema {
    pub nodes: BTreeMap<String, NodeSchema>,
}

/// What a node takes.
#[derive(Clone, Default, Debug)]
pub struct NodeSchema {
    pub name: String,
    pub stage: Option<Stage>,
    /// One sentence for the reference.
    pub doc: String,
    /// How it is written, for messages: `on "web1"`.
    pub example: String,
    pub args: Vec<Field>,
    /// What the arguments behind the named ones are, and how many it takes.
    pub rest: Option<(Field, usize)>,
    pub props: Vec<Field>,
    pub children: Vec<Child>,
    /// Children and properties of which one at the most, or exactly one, may stand.
    pub only_one: Vec<OnlyOne>,
    /// Takes the children of this service too, none of them required, and `reset`.
    pub like: Option<String>,
}

/// An argument or a property.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    pub required: bool,
    /// What stands between double braces in it is filled in.
    pub filled: bool,
    pub doc: String,
}

/// A node within a node.
#[derive(Clone, Debug)]
pub struct Child {
    pub node: NodeSchema,
    pub required: bool,
    pub repeat: bool,
}

/// Alternatives.
#[derive(Clone, Debug)]
pub struct OnlyOne {
    pub names: Vec<String>,
    pub required: bool,
}

impl NodeSchema {
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Child> {
        self.children.iter().find(|child| child.node.name == name)
    }

    /// Whether the child may stand more than once.
    #[must_use]
    pub fn repeats(&self, name: &str) -> bool {
        self.child(name).is_some_and(|child| child.repeat)
    }
}
