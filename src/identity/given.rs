//! Certificates that somebody else signed, and the authorities by which peers verify them: files
//! beside the description.
//!
//! In: the facts, the texts. Out: [`Given`], judged against what is asked of each. Not here: the
//! private keys, which lie in the vault (see `settle`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::chain::Chain;
use super::reading::Reading;
use super::signer::{GivenSigner, signer};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::facts::{Certificate, CertificateSource, Facts, HOST_NAME, LeafKey};
use crate::model::host::HostId;
use crate::source::{Sources, Span, Spanned};

/// What lies beside the description.
#[derive(Default)]
pub struct Given {
    pub(super) leaves: BTreeMap<LeafKey, GivenLeaf>,
    pub(super) authorities: BTreeMap<String, Arc<str>>,
    /// Who signs what is not given.
    pub(super) signer: Option<GivenSigner>,
}

/// A certificate, its chain, and where its key is.
#[derive(Clone)]
pub(super) struct GivenLeaf {
    pub(super) pem: String,
    pub(super) key_sha256: String,
    /// The secret that is its key: `key/www`, or one that the description names.
    pub(super) key: String,
    /// Whether a person has the key, and says it.
    pub(super) told: bool,
    pub(super) span: Span,
}

/// Where the vault has the key of a certificate of files: one for all hosts, or one for each.
#[must_use]
pub fn key_of_files(name: &str, certificate: &Certificate, host: &str) -> String {
    match &certificate.source {
        CertificateSource::Files { key: Some(secret), .. } => secret.value.clone(),
        _ if certificate.per_host() => format!("key/{host}/{name}"),
        _ => format!("key/{name}"),
    }
}

/// Reads and judges every file that a certificate names.
pub fn given(
    facts: &Facts,
    inventory: &Inventory,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Given {
    let mut given = Given::default();
    let mut shown: BTreeMap<&str, Vec<HostId>> = BTreeMap::new();
    for key in facts.leaves.keys() {
        shown.entry(key.name.as_str()).or_default().push(key.host);
    }
    let mut run = Reading { facts, inventory, sources, diagnostics };
    given.signer = signer(&mut run, &inventory.cluster.authority);
    for (name, certificate) in &facts.certificates {
        let authority = certificate.authority.as_ref().and_then(|file| run.authority(file));
        let hosts = shown.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
        if let CertificateSource::Files { cert, .. } = &certificate.source {
            let files = run.files(name, certificate, cert, hosts, authority.as_ref());
            given.leaves.extend(files);
        }
        if let Some(chain) = authority {
            given.authorities.insert(name.clone(), chain.pem().into());
        }
    }
    given
}

impl Reading<'_, '_> {
    fn authority(&mut self, file: &Spanned<String>) -> Option<Chain> {
        let chain = self.chain(&file.value, file.span)?;
        self.judge(chain.judge_authority(), &file.value, file.span)?;
        Some(chain)
    }

    /// What each host shows, out of one file or one for each.
    fn files(
        &mut self,
        name: &str,
        certificate: &Certificate,
        cert: &Spanned<String>,
        hosts: &[HostId],
        authority: Option<&Chain>,
    ) -> BTreeMap<LeafKey, GivenLeaf> {
        let mut leaves = BTreeMap::new();
        let groups: Vec<&[HostId]> =
            if certificate.per_host() { hosts.chunks(1).collect() } else { vec![hosts] };
        for group in groups {
            let host = group.first().map(|id| self.inventory.host(*id).name.as_str());
            let file = cert.value.replace(HOST_NAME, host.unwrap_or_default());
            let Some(chain) = self.chain(&file, cert.span) else { continue };
            let asked = self.names(name, certificate, group);
            self.judge_shown(&chain, &file, certificate, cert.span, &asked, authority);
            let leaf = GivenLeaf {
                pem: chain.pem(),
                key_sha256: chain.key_sha256(),
                key: key_of_files(name, certificate, host.unwrap_or_default()),
                told: matches!(&certificate.source, CertificateSource::Files { key: Some(_), .. }),
                span: cert.span,
            };
            for host in group {
                leaves.insert(LeafKey { host: *host, name: name.to_owned() }, leaf.clone());
            }
        }
        leaves
    }

    /// The names by which anybody asks for it on these hosts.
    fn names(&self, name: &str, certificate: &Certificate, hosts: &[HostId]) -> BTreeSet<String> {
        let mut names: BTreeSet<String> =
            certificate.names.iter().map(|it| it.value.clone()).collect();
        for host in hosts {
            let leaf = self.facts.leaves.get(&LeafKey { host: *host, name: name.to_owned() });
            names.extend(leaf.into_iter().flat_map(|it| it.names.iter().cloned()));
        }
        names
    }

    fn judge_shown(
        &mut self,
        chain: &Chain,
        file: &str,
        certificate: &Certificate,
        span: Span,
        asked: &BTreeSet<String>,
        authority: Option<&Chain>,
    ) {
        let mut fine = self.judge(chain.judge_shown(), file, span);
        if let (Some(()), Some(known), Some(by)) = (fine, authority, &certificate.authority) {
            fine = self.judge(chain.judge_end(known, &by.value), file, span);
        }
        if fine.is_none() {
            return; // which certificate is whose is not clear
        }
        for name in asked {
            self.judge(chain.judge_name(name), file, span);
        }
    }
}
