//! Certificates that the cluster's authority signs: as the lock names them, or new.

use sha2::{Digest, Sha256};

use super::super::chain::is_chain;
use super::super::digests::{blocks, certificate_hex, hex, pem_digest};
use super::super::lock::CertificateLine;
use super::super::mint::LeafRequest;
use super::super::seen::{leaf_words, subject};
use super::Run;
use crate::diag::{Code, Diagnostic};
use crate::inventory::Inventory;
use crate::model::facts::{Leaf, LeafKey, Usage};
use crate::model::key_type::KeyType;
use crate::model::settled::IssuedLeaf;
use crate::source::Span;

impl Run<'_> {
    /// Whether the lock has a certificate that was taken over: nobody here signs it.
    pub(super) fn adopted(&mut self, key: &LeafKey, leaf: &Leaf) -> bool {
        let request = leaf_request(self.inventory, key, leaf);
        let line = self.old.certificate(&request.key).filter(|it| it.adopted).cloned();
        let Some(line) = line else { return false };
        if let Some(pem) = self.named(&request.key, &line.sha256, leaf.origin.span) {
            self.issued(key, &request, pem, line);
        }
        true
    }

    /// Whether the lock has a certificate for the same request, and the certificate is there.
    pub(super) fn kept(&mut self, key: &LeafKey, leaf: &Leaf, request: &LeafRequest) -> bool {
        let Some(line) = self.old.certificate(&request.key) else { return false };
        if line.request != request_digest(request) {
            return false;
        }
        if let Some(pem) = self.named(&request.key, &line.sha256, leaf.origin.span) {
            self.issued(key, request, pem, line.clone());
        }
        true
    }

    /// A certificate that the lock names, or what else lies among them; told where it is not there.
    /// It goes to hosts as it is, so there is nothing else in its file.
    pub(super) fn named(&mut self, key: &str, sha256: &str, span: Span) -> Option<String> {
        let named = |pem: &String| pem_digest(pem).is_some_and(|found| found == sha256);
        // an authority that was given has those above it in its file
        let alone = |pem: &String| blocks(pem) == Some(1) || key == "ca" && is_chain(pem);
        let fits = |pem: &String| named(pem) && alone(pem);
        let found = self.state.certificate(key);
        let why = match &found {
            Some(pem) if named(pem) => "holds more than what the lock names",
            Some(_) => "is not the one that the lock names",
            None => "is not there",
        };
        if let Some(pem) = found.filter(fits) {
            return Some(pem);
        }
        if let Some(pem) = self.state.waiting(key).filter(fits) {
            self.out.certificates.insert(key.to_owned(), pem.clone());
            return Some(pem);
        }
        self.damaged(&format!("certs/{key}.pem"), why, span);
        None
    }

    pub(super) fn issue(&mut self, wanted: &[(LeafKey, LeafRequest, Span)]) {
        let requests: Vec<LeafRequest> = wanted.iter().map(|(_, it, _)| it.clone()).collect();
        let leaves = match self.mint.leaves(&requests) {
            Ok(leaves) => leaves,
            Err(refusal) => {
                for (_, request, span) in wanted {
                    self.refused(&refusal, &format!("the certificate `{}`", request.key), *span);
                }
                return;
            }
        };
        for ((key, request, span), leaf) in wanted.iter().zip(leaves) {
            if leaf.cut {
                self.cut(request, &leaf.until, *span);
            }
            let line = CertificateLine {
                request: request_digest(request),
                key: leaf.key_sha256[..8].to_owned(),
                sha256: leaf.sha256,
                until: leaf.until,
                adopted: false,
            };
            self.out.certificates.insert(request.key.clone(), leaf.pem.clone());
            self.issued(key, request, leaf.pem, line);
        }
    }

    /// What outlived its authority would not be believed: it ends with it, and is told.
    fn cut(&mut self, request: &LeafRequest, until: &str, span: Span) {
        let message = format!("`{}` ends with the cluster's authority, on {until}", request.key);
        let help = "plan for a new authority in time, or ask for a shorter `validity`";
        let diagnostic = Diagnostic::warning(Code::AuthorityEnds, message);
        self.diagnostics.push(diagnostic.at(span, "this shows it").help(help));
    }

    fn issued(&mut self, key: &LeafKey, request: &LeafRequest, pem: String, line: CertificateLine) {
        let (private, key_digest) = (format!("key/{}", request.key), line.key.clone());
        let (der, words) = (certificate_hex(&pem), leaf_words(&pem));
        let signs_itself = if line.adopted { subject(&pem) } else { None };
        let pem = if line.adopted { pem } else { pem + &self.chain };
        let issued = IssuedLeaf { pem, key: private, key_digest, der, signs_itself, words };
        self.out.settled.leaves.insert(key.clone(), issued);
        self.out.lock.active.certificates.insert(request.key.clone(), line);
    }
}

/// What a certificate is asked to say.
#[must_use]
pub fn leaf_request(inventory: &Inventory, key: &LeafKey, leaf: &Leaf) -> LeafRequest {
    LeafRequest {
        key: format!("{}/{}", inventory.host(key.host).name, key.name),
        names: leaf.names.clone(),
        addresses: leaf.addresses.clone(),
        usage: leaf.usage,
        validity: leaf.validity,
        key_type: leaf.key_type,
    }
}

/// Eight digits of everything that a certificate is asked to say.
pub(in crate::identity) fn request_digest(request: &LeafRequest) -> String {
    let usage = match request.usage {
        Usage::Server => "server",
        Usage::Peer | Usage::Pinned => "peer",
    };
    let names: Vec<&str> = request.names.iter().map(String::as_str).collect();
    let addresses: Vec<String> = request.addresses.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "{usage}\n{}\n{}\n{}",
        names.join(" "),
        addresses.join(" "),
        request.validity.seconds()
    );
    // locks of old have certificates of the default kind
    if request.key_type != KeyType::default() {
        text.push('\n');
        text.push_str(request.key_type.word());
    }
    hex(&Sha256::digest(text.as_bytes()))[..8].to_owned()
}
