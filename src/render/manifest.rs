//! `manifest.json`: what a bundle holds, for people and tools.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BundleFile, MadeFrom, place, sha256};
use crate::model::consequence::Consequence;
use crate::model::plan::{HostPlan, Kind, OnChange, Resource};
use crate::model::value::AbsPath;

/// The manifest of one host.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub cluster: String,
    pub host: String,
    pub platform: String,
    /// By path within the bundle.
    pub files: BTreeMap<String, ManifestEntry>,
    /// Packages, directories and units, in the order in which `apply.sh` sees to them.
    pub packages: Vec<String>,
    pub directories: Vec<String>,
    pub units: Vec<String>,
    /// Users and groups that are made where they are missing.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub accounts: Vec<String>,
    /// Symbolic links and where they lead.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub links: BTreeMap<String, String>,
    /// Files that a program of the host makes out of others.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub made: Vec<String>,
    /// One-time steps, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub steps: Vec<String>,
    /// What `apply.sh --verify` proves.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub verifications: Vec<String>,
    /// Tokens and the secrets that stand behind them.
    pub secrets: BTreeMap<String, String>,
    /// Values whose change has a consequence that no file shows: value and consequence.
    pub pins: BTreeMap<String, (String, String)>,
}

/// A file or an edit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// Where it goes on the host; the name alone of what a step needs.
    pub path: String,
    /// `file`, `seed`, `certificate`, `secret`, `block`, `keys`, or `step` for what a step needs.
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub mode: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub owner: String,
    pub sha256: String,
    /// The service, as `csync2[idp]`.
    pub service: String,
    /// The node that it comes from, as `gluu[idp]/file-replication`.
    pub origin: String,
    /// `nothing to do`, `made so anew`, `reload`, `restart`.
    pub on_change: String,
    /// The unit, or what is made of it.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub unit: String,
}

impl Manifest {
    pub(super) fn of(
        plan: &HostPlan,
        from: &MadeFrom,
        files: &BTreeMap<String, BundleFile>,
    ) -> Self {
        let mut manifest = Self {
            format: 1,
            cluster: from.cluster.to_owned(),
            host: plan.name.clone(),
            platform: plan.platform.clone(),
            ..Self::default()
        };
        let mut steps = Vec::new();
        for resource in plan.resources.values() {
            match &resource.kind {
                Kind::Package(name) => manifest.packages.push(name.clone()),
                Kind::Directory(it) => manifest.directories.push(it.path.to_string()),
                Kind::Unit(it) => manifest.units.push(it.name.clone()),
                Kind::Group(name) => manifest.accounts.push(name.clone()),
                Kind::User(it) => manifest.accounts.push(it.name.clone()),
                Kind::Link(it) => {
                    manifest.links.insert(it.path.to_string(), it.target.to_string());
                }
                Kind::Made(it) => manifest.made.push(it.path.to_string()),
                Kind::Verify(it) => manifest.verifications.push(it.title.clone()),
                Kind::Step(it) => steps.push((it.number, it.key.clone())),
                Kind::File(_)
                | Kind::Block(_)
                | Kind::Keys(_)
                | Kind::Ensure(_)
                | Kind::StepFile(_)
                | Kind::Born(_)
                | Kind::BornTo(_)
                | Kind::Check(_) => {}
            }
            if let Some((at, entry)) = entry(resource, files) {
                manifest.files.insert(at, entry);
            }
        }
        for resource in plan.resources.values() {
            match &resource.kind {
                Kind::Made(it) => manifest.reads(&it.from, it.path.as_str()),
                Kind::Ensure(it) => manifest.reads(&it.from, &it.title),
                _ => {}
            }
        }
        steps.sort();
        manifest.steps = steps.into_iter().map(|(_, key)| key).collect();
        for (token, slot) in &plan.slots {
            manifest.secrets.insert(token.clone(), slot.secret.clone());
        }
        for (key, pin) in &plan.pins {
            let consequence = pin.consequence.word().to_owned();
            manifest.pins.insert(key.clone(), (pin.value.clone(), consequence));
        }
        manifest
    }

    /// What is made of files is made anew when one of them changes.
    fn reads(&mut self, from: &[AbsPath], made: &str) {
        let read = |it: &&mut ManifestEntry| from.iter().any(|path| path.as_str() == it.path);
        for entry in self.files.values_mut().filter(read) {
            if entry.on_change == Consequence::Nothing.word() {
                Consequence::Made.word().clone_into(&mut entry.on_change);
                made.clone_into(&mut entry.unit);
            }
        }
    }

    pub(super) fn to_json(&self) -> String {
        // nothing in a manifest can fail to be written: strings, numbers and maps by string
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn entry(
    resource: &Resource,
    files: &BTreeMap<String, BundleFile>,
) -> Option<(String, ManifestEntry)> {
    use crate::model::plan::Body;
    let at = place(resource)?;
    let none = &OnChange::Nothing;
    let (path, kind, mode, owner, on_change) = match &resource.kind {
        Kind::StepFile(file) => (file.name.as_str(), "step", String::new(), String::new(), none),
        Kind::File(file) => {
            let kind = match file.body {
                _ if file.seed => "seed",
                Body::Template { .. } => "file",
                Body::Certificate { .. } => "certificate",
                Body::Secret { .. } => "secret",
            };
            let owner = format!("{}:{}", file.owner, file.group);
            (file.path.as_str(), kind, file.mode.to_string(), owner, &file.on_change)
        }
        Kind::Block(block) => {
            (block.path.as_str(), "block", String::new(), String::new(), &block.on_change)
        }
        Kind::Keys(keys) => {
            (keys.path.as_str(), "keys", String::new(), String::new(), &keys.on_change)
        }
        _ => return None,
    };
    let entry = ManifestEntry {
        path: path.to_owned(),
        kind: kind.to_owned(),
        mode,
        owner,
        sha256: files.get(&at).map(|file| sha256(&file.bytes)).unwrap_or_default(),
        service: resource.owner.to_string(),
        origin: resource.origin.path.to_string(),
        on_change: on_change.consequence().word().to_owned(),
        unit: OnChange::unit(on_change).unwrap_or_default().to_owned(),
    };
    Some((at, entry))
}
