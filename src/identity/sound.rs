//! Whether a certificate is one that OpenSSL takes, whoever shows it and for whatever.
//!
//! In: one certificate. Out: nothing, or a sentence and what to do. Not here: its place in a chain,
//! its names (see `chain`), and the clock.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::X509Extension;
use x509_parser::public_key::PublicKey;

/// Why it is refused, behind its name, and what to do.
pub(super) struct Unsound {
    pub(super) why: String,
    pub(super) help: &'static str,
}

/// OpenSSL's security level 2, which Debian and Ubuntu set, refuses shorter RSA keys
/// (SSL_CTX_set_security_level(3)); so do the browsers.
const RSA_BITS: usize = 2048;

/// Signatures by digests in which others can be found with the same signature: OpenSSL takes none
/// of them from level 2 on, 3.0 from level 1 (SSL_CTX_set_security_level(3), "ca md too weak").
const WEAK: [(&str, &str); 5] = [
    ("1.2.840.113549.1.1.2", "MD2"),
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.2.840.10040.4.3", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
];

/// What no order and no name mends: its key, its signature, what it asks to be understood.
pub(super) fn sound(it: &X509Certificate) -> Result<(), Unsound> {
    if let Ok(PublicKey::RSA(key)) = it.public_key().parsed()
        && key.key_size() < RSA_BITS
    {
        let why = format!("has an RSA key of {} bits, which OpenSSL refuses", key.key_size());
        return Err(Unsound { why, help: "have one signed for a key of 2048 bits at least" });
    }
    let algorithm = it.signature_algorithm.algorithm.to_id_string();
    let digest = WEAK.iter().find(|(known, _)| *known == algorithm);
    // nobody looks at the signature of one that signs itself
    if let Some((_, digest)) = digest.filter(|_| it.issuer().as_raw() != it.subject().as_raw()) {
        let why = format!("is signed with {digest}, which OpenSSL refuses");
        return Err(Unsound { why, help: "have it signed anew, with SHA-256" });
    }
    // RFC 5280, 4.2: who does not know a critical one has to refuse the certificate
    let unknown = |it: &&X509Extension| {
        let parsed = it.parsed_extension();
        it.critical && (parsed.unsupported() || parsed.error().is_some())
    };
    if let Some(extension) = it.extensions().iter().find(unknown) {
        let oid = extension.oid.to_id_string();
        let why = format!("has a critical extension, {oid}, which nobody here would understand");
        return Err(Unsound { why, help: "have it signed without that, or not critical" });
    }
    Ok(())
}
