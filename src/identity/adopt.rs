//! A certificate and its key that a running cluster has already, taken over as they are.
//!
//! Only where peers know the certificate itself, as csync2's do: nobody asks who signed it. In: two
//! texts. Out: a [`Pair`] that belongs together, or a sentence and what to do.

use time::Date;
use zeroize::Zeroizing;

use super::chain::{Chain, called};
use super::digests::certificate_digests;
use super::keys::{key_pair, public_digest};
use super::lock::CertificateLine;
use super::mint::LeafRequest;
use super::seen::{Seen, ended, seen};
use super::settle::request_digest;

/// A certificate that signs itself, and its key.
pub struct Pair {
    pub(super) key: Zeroizing<Vec<u8>>,
    pub pem: String,
    pub seen: Seen,
    key_sha256: String,
}

const BEGIN: &str = "-----BEGIN ";

impl Pair {
    /// Reads the two out of files by name and text, in either order.
    ///
    /// # Errors
    /// A sentence.
    pub fn read(files: &[(String, Zeroizing<String>)], today: Date) -> Result<Self, String> {
        let (mut certificates, mut keys) = (Vec::new(), Vec::new());
        for (name, text) in files {
            let kind = if text.contains("PRIVATE KEY") { &mut keys } else { &mut certificates };
            // without an editor's mark of the encoding
            kind.push((name.as_str(), text.trim_start_matches('\u{feff}')));
        }
        let ([(name, text)], [(key_name, key)]) = (&certificates[..], &keys[..]) else {
            return Err(
                "bring two files: one with the certificate, and one with its key".to_owned()
            );
        };
        let (pem, key) = (certificate(name, text, today)?, private(key_name, key)?);
        let pair = key_pair(key_name, &key).map_err(|_| {
            format!("`{key_name}` is damaged, or of a kind that cannot be used here: P-256, P-384, Ed25519 and RSA of 2048 bits at least can")
        })?;
        let (key_sha256, _) = certificate_digests(&pem).unwrap_or_default();
        if public_digest(&pair) != key_sha256 {
            return Err(format!("`{key_name}` is not the key of `{name}`: they are of two"));
        }
        let seen = seen(&pem).into_iter().next();
        let seen = seen.ok_or_else(|| format!("`{name}` holds no certificate"))?;
        Ok(Self { key, pem, seen, key_sha256 })
    }

    /// What the lock says of it: it stays, whatever else is asked for, until it is renewed.
    #[must_use]
    pub fn line(&self, request: &LeafRequest) -> CertificateLine {
        CertificateLine {
            request: request_digest(request),
            key: self.key_sha256[..8].to_owned(),
            sha256: self.seen.sha256.clone(),
            until: self.seen.until.to_string(),
            adopted: true,
        }
    }
}

/// One certificate, which is fit to be shown from a day on to who knows it.
fn certificate(name: &str, text: &str, today: Date) -> Result<String, String> {
    let said = |why: &str, help: &str| format!("`{name}`: {why}: {help}");
    let chain = Chain::read(text).map_err(|wrong| said(&wrong.why, &wrong.help))?;
    let all = chain.certificates();
    let [leaf] = &all[..] else {
        return Err(said("it holds several certificates", "bring the host's own one alone"));
    };
    // peers that ask for one compare names alone
    if leaf.issuer().as_raw() != leaf.subject().as_raw() {
        return Err(format!(
            "`{name}`: `{}` did not sign it itself, so it is shown only to peers that name who did: leave it, and all members get new ones with the first apply",
            called(leaf)
        ));
    }
    chain.judge_shown().map_err(|wrong| said(&wrong.why, "leave it, and have a new one made"))?;
    match ended(&chain.pem(), today) {
        Some(why) => Err(said(&why, "leave it, and have a new one made")),
        None => Ok(chain.pem()),
    }
}

/// One key in the form in which the vault keeps keys, byte for byte.
fn private(name: &str, text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    if text.contains("ENCRYPTED") {
        return Err(format!(
            "`{name}` has a passphrase, which no daemon could be told: `openssl pkey -in {name} -out plain.key` takes it off; remove `plain.key` afterwards"
        ));
    }
    let begins: Vec<&str> = text.lines().filter(|line| line.starts_with(BEGIN)).collect();
    if begins.iter().any(|it| ["EC PRIVATE", "RSA PRIVATE"].iter().any(|old| it.contains(old))) {
        return Err(format!(
            "`{name}` is of an old form: `openssl pkey -in {name} -out new.key` writes the same key as PKCS#8; remove `new.key` afterwards"
        ));
    }
    if begins != ["-----BEGIN PRIVATE KEY-----"] {
        return Err(format!("`{name}` holds more than one private key: bring that one alone"));
    }
    let lines = text.lines().skip_while(|line| !line.starts_with(BEGIN)).map(str::trim_end);
    let mut key = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    for line in lines.take_while(|line| !line.is_empty()) {
        key.extend_from_slice(line.as_bytes());
        key.push(b'\n');
    }
    Ok(key)
}
