//! What an authority sends back for a request: certificates in files of any order, of which one is
//! for a key of the vault, and others lead from it to a root.

use sha2::{Digest, Sha256};
use time::Date;
use x509_parser::certificate::X509Certificate;

use super::chain::{Chain, called, common_name, issued};
use super::digests::hex;
use super::mint::Refusal;
use super::seen::{Seen, seen, untimely};
use super::vault::Vault;
use crate::model::facts::Usage;

/// The certificates of an answer.
pub struct Answer(Chain);

/// The one for the key, and those above it.
pub struct Fitting {
    pub pem: String,
    pub seen: Seen,
    /// What is missing above it, where something is.
    pub open_end: Option<String>,
}

impl Answer {
    /// Reads files by their names.
    ///
    /// # Errors
    /// A sentence: one of them is no file of certificates.
    pub fn read(files: &[(String, String)]) -> Result<Self, String> {
        let mut all = Chain::default();
        for (name, text) in files {
            if text.contains("-----BEGIN PKCS7-----") {
                return Err(format!(
                    "`{name}` is PKCS#7: `openssl pkcs7 -print_certs -in {name} -out chain.pem` makes PEM of it"
                ));
            }
            let chain = Chain::read(text)
                .map_err(|wrong| format!("`{name}`: {}: {}", wrong.why, wrong.help))?;
            all.append(chain);
        }
        Ok(Self(all))
    }

    /// The certificate for a key of the vault, the one that ends last where there are several, and
    /// those above it in their order; a root is left out unless it is asked for.
    ///
    /// # Errors
    /// The vault cannot be read.
    pub fn fitting(
        &self,
        vault: &Vault,
        secret: &str,
        with_root: bool,
    ) -> Result<Option<Fitting>, Refusal> {
        let all = self.0.certificates();
        let mut found: Option<usize> = None;
        for (at, it) in all.iter().enumerate() {
            let public = hex(&Sha256::digest(it.public_key().raw));
            let ends = |at: usize| all[at].validity().not_after;
            if vault.has(secret, &public)? && found.is_none_or(|best| ends(at) > ends(best)) {
                found = Some(at);
            }
        }
        Ok(found.map(|at| self.above(&all, at, with_root)))
    }

    fn above(&self, all: &[X509Certificate], at: usize, with_root: bool) -> Fitting {
        let mut order = vec![at];
        let mut last = at;
        let next = |last: usize, order: &[usize]| {
            (0..all.len()).find(|it| !order.contains(it) && issued(&all[last], &all[*it]))
        };
        while !issued(&all[last], &all[last]) {
            let Some(above) = next(last, &order) else { break };
            order.push(above);
            last = above;
        }
        let is_root = issued(&all[last], &all[last]);
        if is_root && !with_root && order.len() > 1 {
            order.pop();
        }
        let pem = self.0.picked(&order);
        let open_end = (!is_root).then(|| common_name(all[last].issuer()));
        Fitting { seen: seen(&pem).remove(0), pem, open_end }
    }

    /// What its certificates are for, for a sentence.
    #[must_use]
    pub fn subjects(&self) -> String {
        let all = self.0.certificates();
        let names: Vec<String> = all.iter().map(|it| format!("`{}`", called(it))).collect();
        names.join(", ")
    }
}

/// What makes a certificate none to show under these names from a day on: a sentence each.
#[must_use]
pub fn unfit(pem: &str, names: &[String], usage: Usage, today: Date) -> Vec<String> {
    let Ok(chain) = Chain::read(pem) else { return vec!["it is no certificate".to_owned()] };
    let mut faults = Vec::new();
    let judged =
        std::iter::once(chain.judge_shown()).chain(names.iter().map(|it| chain.judge_name(it)));
    for wrong in judged.filter_map(Result::err) {
        faults.push(format!("{}: {}", wrong.why, wrong.help));
    }
    if let Some(leaf) = chain.certificates().first() {
        faults.extend(unfit_use(leaf, usage));
    }
    faults.extend(untimely(pem, today));
    faults
}

/// What makes a chain none to sign with.
#[must_use]
pub fn unfit_to_sign(pem: &str, today: Date) -> Vec<String> {
    let Ok(chain) = Chain::read(pem) else { return vec!["it is no certificate".to_owned()] };
    let wrong = chain.judge_signer().err().map(|wrong| format!("{}: {}", wrong.why, wrong.help));
    wrong.into_iter().chain(untimely(pem, today)).collect()
}

fn unfit_use(leaf: &X509Certificate, usage: Usage) -> Vec<String> {
    let mut faults = Vec::new();
    if let Ok(Some(extended)) = leaf.extended_key_usage() {
        let it = extended.value;
        if !it.any && !it.server_auth {
            faults
                .push("it is not for servers: its extended key usage lacks serverAuth".to_owned());
        }
        if usage != Usage::Server && !it.any && !it.client_auth {
            faults
                .push("it is not for clients: its extended key usage lacks clientAuth".to_owned());
        }
    }
    if let Ok(Some(it)) = leaf.key_usage()
        && !it.value.digital_signature()
    {
        faults.push("it may not sign a handshake: its key usage lacks digitalSignature".to_owned());
    }
    faults
}
