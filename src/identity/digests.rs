//! Digests of certificates, keys and values, as lock and tokens write them.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::mint::{Refusal, broken};
use super::names::DIGEST_KEY;

/// SHA-256 of a certificate's public key, and of the whole of it.
pub(super) fn certificate_digests(pem: &str) -> Option<(String, String)> {
    let (_, parsed) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
    let certificate = parsed.parse_x509().ok()?;
    let public = hex(&Sha256::digest(certificate.public_key().raw));
    Some((public, hex(&Sha256::digest(&parsed.contents))))
}

/// SHA-256 of what a PEM text has first, whatever it is.
pub(super) fn pem_digest(pem: &str) -> Option<String> {
    let (_, parsed) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
    Some(hex(&Sha256::digest(&parsed.contents)))
}

/// How many blocks of PEM a text has, all of one kind; `None` where anything else is in it: what
/// a daemon skips, another one reads.
pub(super) fn blocks(text: &str) -> Option<usize> {
    let kind = text.lines().next()?.strip_prefix("-----BEGIN ")?;
    let (begin, end) = (format!("-----BEGIN {kind}"), format!("-----END {kind}"));
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    let (mut count, mut inside) = (0, false);
    for line in text.lines() {
        match inside {
            false if line == begin => (count, inside) = (count + 1, true),
            true if line == end => inside = false,
            true if line.bytes().all(base64) => {}
            false if line.is_empty() => {}
            _ => return None,
        }
    }
    (!inside).then_some(count)
}

/// The first certificate, DER in upper-case hexadecimal digits; nothing where there is none.
pub(super) fn certificate_hex(pem: &str) -> String {
    let parsed = x509_parser::pem::parse_x509_pem(pem.as_bytes());
    parsed.map(|(_, it)| hex(&it.contents).to_uppercase()).unwrap_or_default()
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The 32 bytes of 64 digits.
fn unhex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(text).ok()?.trim_end();
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(pair).collect();
    bytes.filter(|bytes| bytes.len() == 32).map(Zeroizing::new)
}

/// Names a value without giving it away: whoever has no key cannot try values.
pub(super) fn keyed_digest(key: &[u8], name: &str, value: &[u8]) -> Result<String, Refusal> {
    let mac = Hmac::<Sha256>::new_from_slice(key);
    let mut mac = mac.map_err(|_| broken(DIGEST_KEY, "it is no key"))?;
    mac.update(name.as_bytes());
    mac.update(&[0]);
    mac.update(value);
    Ok(hex(&mac.finalize().into_bytes())[..32].to_owned())
}

/// The key of the digests, as the vault has it.
pub(super) fn digest_key(hex: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    unhex(hex).ok_or_else(|| broken(DIGEST_KEY, "it is no key"))
}
