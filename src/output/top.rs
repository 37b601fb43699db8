//! The files of the output folder itself: what was built, how to bring it up, how git sees it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Compiled;
use crate::model::facts::Chapter;
use crate::model::host::{HostId, HostSet};
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
    let from = compiled.made_from();
    let mut out = format!(
        "# Runbook of the cluster {}\n\nMade by clustergen from {}.\n\n## Bring-up\n\n",
        json.cluster, from.description
    );
    let mut steps = vec![
        "Back up the folder `vault` of the state: it is the only copy of the cluster's keys.".to_owned(),
        "Give each host the values of its secrets: a folder `/root/clustergen/secrets`, 0700, with one \
         file per token. `manifest.json` says which secret a token stands for; keys and passwords are \
         below `vault/keys` and `vault/secrets`."
            .to_owned(),
    ];
    for host in bring_up_order(compiled, json) {
        let address = match compiled.inventory.host(host).address(None).ip {
            IpAddr::V6(v6) => format!("[{v6}]"),
            IpAddr::V4(v4) => v4.to_string(),
        };
        let name = &compiled.inventory.host(host).name;
        steps.push(format!(
            "{name}: `rsync -a --delete --chown=root:root --exclude=/secrets {name}/ \
             root@{address}:/root/clustergen/`, there install the `packages` that `manifest.json` \
             names, then `/root/clustergen/apply.sh --dry-run` and `/root/clustergen/apply.sh`."
        ));
    }
    for at in &compiled.facts.step_order {
        let step = &compiled.facts.steps[*at as usize];
        steps.push(format!(
            "{}: `/root/clustergen/apply.sh --bootstrap {}`: {} ({}).",
            compiled.inventory.host(step.host).name,
            step.key,
            step.title,
            step.origin.path
        ));
    }
    for fact in compiled.facts.runbook.iter().filter(|it| it.chapter == Chapter::BringUp) {
        steps.push(format!("{} ({}).", fact.text, fact.origin.path));
    }
    for (at, step) in steps.iter().enumerate() {
        let _ = writeln!(out, "{}. {step}", at + 1);
    }
    out.push_str("\n## Change\n\n");
    out.push_str(
        "1. Change the description, build, read `CHANGES.md` and commit.\n\
         2. On each host that `CHANGES.md` names: copy its folder as above, look at\n   \
         `apply.sh --dry-run`, run `apply.sh`. One member of a group after the other.\n",
    );
    out
}

/// Who is dialled comes before who dials; a mesh is in nobody's way.
fn bring_up_order(compiled: &Compiled, json: &ClusterJson) -> Vec<HostId> {
    let dials =
        |host: HostId| compiled.facts.links_from(host).any(|link| !link.to.hosts.contains(host));
    let hosts = json.hosts.keys().filter_map(|name| compiled.inventory.find(name));
    let (later, first): (Vec<HostId>, Vec<HostId>) = hosts.partition(|host| dials(*host));
    first.into_iter().chain(later).collect()
}
