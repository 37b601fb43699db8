//! What a platform means: facts per distribution release, from `schema/platforms.kdl`.
//!
//! In: the embedded table. Out: [`Platforms`]. Not here: what a service makes of a fact.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diag::{Diagnostics, suggestion};
use crate::model::name::Wrong;
use crate::model::value::Version;
use crate::schema;
use crate::source::Sources;
use crate::syntax::node::{Node, Value};
use crate::syntax::parse_one;
use crate::systemd::Directives;

/// A distribution release.
#[derive(Debug)]
pub struct Platform {
    /// `debian-12`.
    pub id: String,
    /// `debian` or `rhel`.
    pub family: String,
    /// Whether its own programs have read generated bundles.
    pub proven: bool,
    /// What units may say, whatever the version.
    pub directives: Arc<Directives>,
    facts: BTreeMap<String, String>,
}

impl Platform {
    /// A fact of the table, as `nginx.user`. `None` where the platform does not have the thing.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.get(name).map(String::as_str)
    }

    /// The version of a program that the release ships, as `nginx.version`.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<Version> {
        self.fact(name).and_then(|text| Version::parse(text).ok())
    }
}

/// All releases, by every name that they go by.
#[derive(Default, Debug)]
pub struct Platforms {
    by_name: BTreeMap<String, Arc<Platform>>,
    refused: BTreeMap<String, String>,
}

impl Platforms {
    /// Loads the embedded table.
    ///
    /// # Errors
    /// A sentence for clustergen's makers.
    pub fn load(sources: &mut Sources) -> Result<Self, String> {
        let name = "platforms.kdl";
        let text = schema::file(name).ok_or("no platforms.kdl")?;
        let id = sources.add(&format!("schema/{name}"), text.to_owned());
        let mut diagnostics = Diagnostics::default();
        let document = parse_one(sources, id, &mut diagnostics);
        if let Some(fault) = diagnostics.sorted().first() {
            return Err(format!("platforms.kdl: {}", fault.message));
        }
        let directives = Arc::new(Directives::load(sources)?);
        let mut families = BTreeMap::new();
        let mut platforms = Self::default();
        for node in &document.nodes {
            let name = node.label().ok_or("a node without a name")?.to_owned();
            match node.name.value.as_str() {
                "family" => {
                    families.insert(name, facts(node)?);
                }
                "platform" => platforms.add(name, node, &families, &directives)?,
                "refused" => {
                    let reason = text_of(node.prop("reason")).ok_or("`refused` has no reason")?;
                    for name in node.args.iter().filter_map(Value::as_str) {
                        platforms.refused.insert(name.to_owned(), reason.clone());
                    }
                }
                other => return Err(format!("platforms.kdl: `{other}`")),
            }
        }
        Ok(platforms)
    }

    fn add(
        &mut self,
        id: String,
        node: &Node,
        families: &BTreeMap<String, BTreeMap<String, String>>,
        directives: &Arc<Directives>,
    ) -> Result<(), String> {
        let family = text_of(node.prop("family")).ok_or("a platform without a family")?;
        let mut all = families.get(&family).ok_or("an unknown family")?.clone();
        all.extend(facts(node)?);
        let proven = node.prop("status").and_then(Value::as_str) == Some("proven");
        let directives = Arc::clone(directives);
        let platform =
            Arc::new(Platform { id: id.clone(), family, proven, directives, facts: all });
        for also in node.children_named("also").flat_map(|it| &it.args).filter_map(Value::as_str) {
            self.by_name.insert(also.to_owned(), Arc::clone(&platform));
        }
        self.by_name.insert(id, platform);
        Ok(())
    }

    /// The release of this name.
    ///
    /// # Errors
    /// Not known, or refused with its reason.
    pub fn find(&self, name: &str) -> Result<&Arc<Platform>, Wrong> {
        if let Some(platform) = self.by_name.get(name) {
            return Ok(platform);
        }
        if let Some(reason) = self.refused.get(name) {
            let help = format!("supported are {}", self.names().join(", "));
            return Err(Wrong::new(format!("is not supported: {reason}"), help));
        }
        let help = suggestion(name, self.by_name.keys().map(String::as_str), || {
            format!("supported are {}", self.names().join(", "))
        });
        Err(Wrong::new("is no platform that clustergen knows", help))
    }

    /// Every name, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.by_name.keys().map(String::as_str).collect()
    }

    /// Releases that their own vendor or we refuse, with the reason.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &str)> {
        self.refused.iter().map(|(name, reason)| (name.as_str(), reason.as_str()))
    }
}

fn facts(node: &Node) -> Result<BTreeMap<String, String>, String> {
    let mut facts = BTreeMap::new();
    for fact in node.children_named("fact") {
        let [name, value] = fact.args.as_slice() else {
            return Err(format!("a fact of `{}` is no name and value", node.key()));
        };
        let (Some(name), Some(value)) = (name.as_str(), value.as_str()) else {
            return Err(format!("a fact of `{}` is no text", node.key()));
        };
        if fact.prop("source").is_none() {
            return Err(format!("`{name}` of `{}` has no source", node.key()));
        }
        facts.insert(name.to_owned(), value.to_owned());
    }
    Ok(facts)
}

fn text_of(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}
