//! The files of the output folder itself: what was built, how to bring it up, how git sees it.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::Compiled;
use crate::model::facts::Chapter;
use crate::model::host::HostSet;

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
        serde_json::from_slice(bytes).ok().filter(|json: &Self| json.format == 1)
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

/// The files by name, the history left out.
#[must_use]
pub fn top_files(compiled: &Compiled, json: &ClusterJson) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        (".gitattributes", GIT_ATTRIBUTES.to_owned()),
        ("RUNBOOK.md", runbook(compiled, json)),
        ("cluster.json", json.print()),
    ])
}

/// Bring-up and change, with this cluster's hosts.
fn runbook(compiled: &Compiled, json: &ClusterJson) -> String {
    let mut out = format!(
        "# Runbook of the cluster {}\n\nMade by clustergen from {}.\n\n## Bring-up\n\n",
        json.cluster,
        compiled.made_from().description
    );
    let mut number = 1;
    let mut line = |out: &mut String, text: &str| {
        let _ = writeln!(out, "{number}. {text}");
        number += 1;
    };
    line(
        &mut out,
        "Back up the folder `vault` of the state: it is the only copy of the cluster's keys.",
    );
    for host in json.hosts.keys() {
        let address =
            compiled.inventory.find(host).map(|id| compiled.inventory.host(id).address(None).ip);
        let address = address.map_or_else(|| host.clone(), |ip| ip.to_string());
        let copy = format!(
            "`rsync -a --delete {host}/ root@{address}:/root/clustergen/` and there `/root/clustergen/apply.sh --dry-run`, then `/root/clustergen/apply.sh`."
        );
        line(&mut out, &copy);
    }
    for fact in compiled.facts.runbook.iter().filter(|it| it.chapter == Chapter::BringUp) {
        line(&mut out, &format!("{} ({}).", fact.text, fact.origin.path));
    }
    out.push_str("\n## Change\n\n");
    out.push_str(
        "1. Change the description, build, read `CHANGES.md` and commit.\n\
         2. On each host that `CHANGES.md` names: copy its folder as above, look at\n   \
         `apply.sh --dry-run`, run `apply.sh`. One member of a group after the other.\n",
    );
    out
}
