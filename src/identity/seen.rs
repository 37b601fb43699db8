//! What certificates say of themselves, for people.

use sha2::{Digest, Sha256};
use time::{Date, OffsetDateTime};
use x509_parser::pem::Pem;

use super::chain::common_name;
use super::digests::hex;
use super::keys::kind_word;

/// What a certificate says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    pub subject: String,
    pub issuer: String,
    /// What kind its key is: `p-256`.
    pub kind: String,
    /// The day on which it begins.
    pub from: Date,
    /// The day on which it ends.
    pub until: Date,
    /// SHA-256 of all of it.
    pub sha256: String,
    /// Its number, in hexadecimal digits.
    pub serial: String,
}

/// The certificates of a PEM text, in its order; what is none is left out.
#[must_use]
pub fn seen(pem: &str) -> Vec<Seen> {
    let blocks = Pem::iter_from_buffer(pem.as_bytes()).filter_map(Result::ok);
    let seen = blocks.filter_map(|block| {
        let certificate = block.parse_x509().ok()?;
        Some(Seen {
            subject: common_name(certificate.subject()),
            issuer: common_name(certificate.issuer()),
            kind: kind_word(certificate.public_key()),
            from: certificate.validity().not_before.to_datetime().date(),
            until: certificate.validity().not_after.to_datetime().date(),
            sha256: hex(&Sha256::digest(&block.contents)),
            serial: hex(certificate.raw_serial()),
        })
    });
    seen.collect()
}

/// What is said of a certificate, the first of a text, whose time is still to come or over.
pub(super) fn untimely(pem: &str, today: Date) -> Option<String> {
    let from = seen(pem).into_iter().next()?.from;
    let early = || format!("it begins on {from}, until when clients refuse it: take it in then");
    if today < from { Some(early()) } else { ended(pem, today) }
}

/// What is said of a certificate, the first of a text, whose time is over.
pub(super) fn ended(pem: &str, today: Date) -> Option<String> {
    let leaf = seen(pem).into_iter().next()?;
    (leaf.until < today).then(|| format!("it ended on {}", leaf.until))
}

/// The subject of the first one, as it is encoded, in hexadecimal digits.
pub(super) fn subject(pem: &str) -> Option<String> {
    let block = Pem::iter_from_buffer(pem.as_bytes()).next()?.ok()?;
    Some(hex(block.parse_x509().ok()?.subject().as_raw()))
}

/// When the first one ends.
pub(super) fn end_of(pem: &str) -> Option<OffsetDateTime> {
    let block = Pem::iter_from_buffer(pem.as_bytes()).next()?.ok()?;
    Some(block.parse_x509().ok()?.validity().not_after.to_datetime())
}

/// Certificates in a few words, for a diff, one for each of a chain:
/// `sha256:1f2e3d4c5b6a7988 until 2036-11-17`; a list of revoked ones by how many there are.
#[must_use]
pub fn certificate_words(pem: &str) -> Vec<String> {
    let words = |it: Seen| format!("sha256:{} until {}", &it.sha256[..16], it.until);
    seen(pem).into_iter().map(words).chain(list_words(pem)).collect()
}

fn list_words(pem: &str) -> Option<String> {
    let block = Pem::iter_from_buffer(pem.as_bytes()).next()?.ok()?;
    let (_, list) = x509_parser::parse_x509_crl(&block.contents).ok()?;
    let sha256 = hex(&Sha256::digest(&block.contents));
    Some(format!("sha256:{} revokes {}", &sha256[..16], list.iter_revoked_certificates().count()))
}

/// The first of a chain in such words; nothing where there is none.
pub(super) fn leaf_words(pem: &str) -> String {
    certificate_words(pem).into_iter().next().unwrap_or_default()
}
