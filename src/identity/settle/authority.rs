//! The authority that signs the hosts' certificates, and what it has revoked: as the lock names it,
//! as it is given, or new.

use super::super::chain::{Chain, same_signer};
use super::super::digests::pem_digest;
use super::super::given::Given;
use super::super::lock::CrlLine;
use super::super::mint::{LeafRequest, Signer};
use super::super::revoked;
use super::super::seen::seen;
use super::super::signer::GivenSigner;
use super::{Run, leaf_request};
use crate::diag::{Code, Diagnostic};
use crate::model::facts::{CertificateSource, Leaf, LeafKey};
use crate::model::key_type::KeyType;
use crate::source::{Span, Spanned};

impl Run<'_> {
    /// What the cluster's authority signs.
    pub(super) fn leaves(&mut self, given: &Given) {
        let certificates = &self.facts.certificates;
        let ours = |key: &LeafKey| {
            let named = certificates.get(&key.name);
            named.is_none_or(|it| it.source == CertificateSource::ClusterCa)
        };
        let facts = self.facts;
        let leaves = facts.leaves.iter().filter(|(key, _)| ours(key));
        let mut leaves: Vec<(&LeafKey, &Leaf)> = leaves.collect();
        leaves.retain(|(key, leaf)| !self.adopted(key, leaf));
        let Some((key, first)) = leaves.first().copied() else { return };
        let Some((signer, stays)) = self.signer(given.signer.as_ref(), first.origin.span) else {
            return;
        };
        let known = signer.known.clone();
        self.chain = known.as_deref().map_or_else(String::new, |pem| top(pem).0);
        let mut requests: Vec<(LeafKey, LeafRequest, Span)> = Vec::new();
        for (key, leaf) in leaves {
            let request = leaf_request(self.inventory, key, leaf);
            if !(stays && self.kept(key, leaf, &request)) {
                requests.push((key.clone(), request, leaf.origin.span));
            }
        }
        let sha256 = given.signer.as_ref().map(|it| &it.sha256).or(self.old.authority.as_ref());
        let authority = match (&known, requests.is_empty(), sha256) {
            (Some(pem), true, Some(sha256)) => Ok((pem.clone(), sha256.clone())),
            _ => self.mint.authority(&signer),
        };
        let (pem, made) = match authority {
            Ok(made) => made,
            Err(refusal) => {
                let what = format!("a certificate for `{}`", self.inventory.host(key.host).name);
                self.refused(&refusal, &what, first.origin.span);
                return;
            }
        };
        let sha256 = sha256.cloned().unwrap_or(made);
        if self.old.authority.as_ref() != Some(&sha256) {
            self.out.certificates.insert("ca".to_owned(), pem.clone());
        }
        self.out.settled.authority = Some(top(&pem).1.into());
        self.out.lock.authority = Some(sha256);
        self.issue(&requests);
        if stays {
            self.revoked(&signer, first.origin.span);
        }
    }

    /// Who signs, and whether what was signed before stays; `None` where that cannot be seen.
    fn signer(&mut self, given: Option<&GivenSigner>, span: Span) -> Option<(Signer, bool)> {
        let cluster = &self.inventory.cluster;
        let key_type = cluster.authority.key_type.as_ref();
        let mut signer = Signer {
            known: None,
            secret: None,
            cluster: cluster.name.clone(),
            key_type: key_type.map_or_else(KeyType::default, |it| it.value),
        };
        let old = match &self.old.authority {
            Some(sha256) if given.is_none_or(|it| it.sha256 != *sha256) => {
                Some(self.named("ca", sha256, span)?)
            }
            _ => None,
        };
        let Some(given) = given else {
            if let (Some(pem), Some(wanted)) = (&old, key_type) {
                self.same_kind(pem, wanted);
            }
            signer.known = old;
            return Some((signer, true));
        };
        signer.known = Some(given.pem.clone());
        signer.secret.clone_from(&given.secret);
        let Some(old) = old else { return Some((signer, true)) };
        let stays = same_signer(&given.pem, &old);
        if !(stays && same_signer(&top(&given.pem).1, &top(&old).1)) {
            let message = "hosts are verified by another authority from now on";
            let help = "apply to all hosts in one go: those that have the new bundle and those that do not refuse each other";
            let diagnostic = Diagnostic::warning(Code::AuthorityChanges, message);
            self.diagnostics.push(diagnostic.at(given.span, "").help(help));
        }
        Some((signer, stays))
    }

    /// What the authority has revoked; its list is made anew where there are others in it now.
    fn revoked(&mut self, signer: &Signer, span: Span) {
        let revoked = &self.old.revoked;
        if revoked.is_empty() {
            return;
        }
        self.out.lock.revoked.clone_from(revoked);
        let of = revoked::digest(revoked);
        if let Some(line) = self.old.crl.clone().filter(|it| it.of == of) {
            self.out.settled.crl = self.named("ca.crl", &line.sha256, span).map(Into::into);
            self.out.lock.crl = Some(line);
            return;
        }
        let made = self.mint.authority(signer).and_then(|_| self.mint.crl(revoked));
        match made {
            Ok(pem) => {
                let sha256 = pem_digest(&pem).unwrap_or_else(|| "0".repeat(64));
                self.out.lock.crl = Some(CrlLine { of, sha256 });
                self.out.certificates.insert("ca.crl".to_owned(), pem.clone());
                self.out.settled.crl = Some(pem.into());
            }
            Err(refusal) => self.refused(&refusal, "the list of revoked certificates", span),
        }
    }

    /// An authority that was made is of the kind that it is.
    fn same_kind(&mut self, pem: &str, wanted: &Spanned<KeyType>) {
        let kinds = seen(pem);
        let Some(kind) = kinds.first().map(|it| &it.kind) else { return };
        if kind != wanted.value.word() {
            let message = format!("the authority is made already, with a key of {kind}");
            let help = "write that kind; `docs/decisions.md` says what a new authority takes";
            let diagnostic = Diagnostic::error(Code::IdentityMismatch, message);
            self.diagnostics.push(diagnostic.at(wanted.span, "").help(help));
        }
    }
}

/// The certificates below the last one, and the last one, which is what peers trust.
fn top(pem: &str) -> (String, String) {
    match Chain::read(pem) {
        Ok(chain) => chain.split_top(),
        // a rehearsal's
        Err(_) => (String::new(), pem.to_owned()),
    }
}
