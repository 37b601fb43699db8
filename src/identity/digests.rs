//! Digests of certificates and keys, as lock and tokens write them.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

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
pub(super) fn unhex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(text).ok()?.trim_end();
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(pair).collect();
    bytes.filter(|bytes| bytes.len() == 32).map(Zeroizing::new)
}
