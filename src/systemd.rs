//! What systemd's units may say: directives by section, from `schema/systemd.kdl`.
//!
//! In: the embedded table. Out: [`Directives`]. Not here: which version a platform has.

use std::collections::BTreeMap;

use crate::diag::Diagnostics;
use crate::schema;
use crate::source::Sources;
use crate::syntax::node::{Node, Scalar, Value};
use crate::syntax::parse_one;

/// Directives by section, each with the version since which it is there; 0 is always.
#[derive(Default, Debug)]
pub struct Directives {
    sections: BTreeMap<String, BTreeMap<String, u32>>,
}

impl Directives {
    /// Loads the embedded table.
    ///
    /// # Errors
    /// A sentence for clustergen's makers.
    pub fn load(sources: &mut Sources) -> Result<Self, String> {
        let name = "systemd.kdl";
        let text = schema::file(name).ok_or("no systemd.kdl")?;
        let id = sources.add(&format!("schema/{name}"), text.to_owned());
        let mut diagnostics = Diagnostics::default();
        let document = parse_one(sources, id, &mut diagnostics);
        if let Some(fault) = diagnostics.sorted().first() {
            return Err(format!("systemd.kdl: {}", fault.message));
        }
        let mut directives = Self::default();
        for node in &document.nodes {
            for section in node.args.iter().filter_map(Value::as_str) {
                let known = directives.sections.entry(section.to_owned()).or_default();
                for line in &node.children {
                    known.extend(entries(line)?);
                }
            }
        }
        Ok(directives)
    }

    /// The directives of a section, sorted, with their versions.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&BTreeMap<String, u32>> {
        self.sections.get(name)
    }

    /// The sections, sorted.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }
}

/// `always "A" "B"` or `since 230 "A" "B"`.
fn entries(line: &Node) -> Result<Vec<(String, u32)>, String> {
    let (since, names) = match (line.name.value.as_str(), &*line.args) {
        ("always", names) => (0, names),
        ("since", [Value { scalar: Scalar::Integer(since), .. }, names @ ..]) => {
            (u32::try_from(*since).map_err(|_| "systemd.kdl: a version below 0")?, names)
        }
        (other, _) => return Err(format!("systemd.kdl: `{other}`")),
    };
    Ok(names.iter().filter_map(Value::as_str).map(|name| (name.to_owned(), since)).collect())
}
