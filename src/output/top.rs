//! The files of the output folder itself: what was built, the runbook, how git sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Compiled;
use crate::model::host::HostSet;
use crate::model::name::Label;

/// `cluster.json`: what was built.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ClusterJson {
    pub format: u32,
    pub cluster: String,
    /// SHA-256 of the parsed description.
    pub description: String,
    /// Host → SHA-256 of its `SHA256SUMS`.
    pub hosts: BTreeMap<String, String>,
    pub links: Vec<LinkJson>,
    /// Who opens what is encrypted, by where it lies.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub readers: BTreeMap<String, Vec<String>>,
}

/// Who talks to whom.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct LinkJson {
    pub from: Vec<String>,
    pub to: Vec<String>,
    pub port: u16,
    pub protocol: String,
    pub why: String,
}

impl ClusterJson {
    /// `None` where it is no such file.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let json: Self = serde_json::from_slice(bytes).ok()?;
        // a host's name becomes a path
        let safe = json.hosts.keys().all(|name| Label::parse(name).is_ok());
        (json.format == 1 && safe).then_some(json)
    }

    /// What a build says of itself.
    #[must_use]
    pub fn of(compiled: &Compiled, hosts: BTreeMap<String, String>) -> Self {
        let names = |set: &HostSet| -> Vec<String> {
            set.iter().map(|host| compiled.inventory.host(host).name.clone()).collect()
        };
        let links = compiled.facts.links.iter().map(|link| LinkJson {
            from: names(&link.from),
            to: names(&link.to.hosts),
            port: link.to.port.get(),
            protocol: link.to.protocol.word().to_owned(),
            why: link.why.clone(),
        });
        let mut links: Vec<LinkJson> = links.collect();
        links.sort();
        Self {
            format: 1,
            cluster: compiled.inventory.cluster.name.clone(),
            description: compiled.digest.clone(),
            hosts,
            links,
            readers: compiled.readers.shown(&compiled.inventory),
        }
    }

    fn print(&self) -> String {
        // nothing in here can fail to be written: strings, numbers and maps by string
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

const GIT_ATTRIBUTES: &str = "\
# Written by clustergen. Line ends stay as they were built: digests are over these bytes. Hosting
# sites fold what is generated; what a reviewer reads first is left open.
* -text linguist-generated
CHANGES.md -linguist-generated
RUNBOOK.md -linguist-generated
";

/// What the hosts' SSH keys are known by.
pub const KNOWN_HOSTS: &str = "known_hosts";

/// The files by name, the history left out.
#[must_use]
pub fn top_files(
    runbook: String,
    json: &ClusterJson,
    known_hosts: Option<String>,
) -> BTreeMap<&'static str, String> {
    let mut files = BTreeMap::from([
        (".gitattributes", GIT_ATTRIBUTES.to_owned()),
        ("RUNBOOK.md", runbook),
        ("cluster.json", json.print()),
    ]);
    files.extend(known_hosts.map(|text| (KNOWN_HOSTS, text)));
    files
}
