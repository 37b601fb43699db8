//! Private keys: made, of each kind; read; and what kind one is.
//!
//! The only user of `rsa`: ring signs with RSA keys but makes none. Nothing is decrypted with
//! them here, so RUSTSEC-2023-0071 (timing of decryption) is about other programs.

use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, PublicKeyData,
};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use sha2::{Digest, Sha256};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::digests::{blocks, hex};
use super::mint::Refusal;
use super::mint::broken;
use crate::model::key_type::KeyType;

/// A new key.
pub(super) fn make(kind: KeyType) -> Result<KeyPair, Refusal> {
    let made = match kind {
        KeyType::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        KeyType::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
        KeyType::Rsa3072 => return make_rsa(3072),
        KeyType::Rsa4096 => return make_rsa(4096),
    };
    made.map_err(|error| refused(&error))
}

fn make_rsa(bits: usize) -> Result<KeyPair, Refusal> {
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, bits);
    let key = key.map_err(|error| refused(&error))?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| refused(&error))?;
    KeyPair::from_pem(&pem).map_err(|error| refused(&error))
}

fn refused(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::Vault(format!("a key cannot be made: {error}"))
}

/// A key as the vault keeps it.
pub(super) fn pem(key: &KeyPair) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(key.serialize_pem().replace("\r\n", "\n").into_bytes())
}

/// A key as the vault has it.
pub(super) fn key_pair(name: &str, pem: &[u8]) -> Result<KeyPair, Refusal> {
    let text = std::str::from_utf8(pem).map_err(|_| broken(name, "it is no text"))?;
    if blocks(text) != Some(1) {
        return Err(broken(name, "it is not one private key in PEM and nothing else"));
    }
    KeyPair::from_pem(text).map_err(|error| broken(name, &error.to_string()))
}

/// SHA-256 of the public key.
pub(super) fn public_digest(key: &KeyPair) -> String {
    hex(&Sha256::digest(key.subject_public_key_info()))
}

pub(super) fn is_rsa(key: &KeyPair) -> bool {
    key.is_compatible(&PKCS_RSA_SHA256)
}

/// The kind of a key of ours; `None` where it is another one, as a person may bring.
pub(super) fn kind_of(key: &KeyPair) -> Option<KeyType> {
    let spki = key.subject_public_key_info();
    let (_, public) = SubjectPublicKeyInfo::from_der(&spki).ok()?;
    KeyType::parse(&kind_word(&public))
}

/// What kind a public key is, in a word: `p-256`, `rsa-2048`, `ed25519`.
pub(super) fn kind_word(public: &SubjectPublicKeyInfo) -> String {
    match public.parsed() {
        Ok(PublicKey::EC(point)) => match point.data().len() {
            65 => "p-256".to_owned(),
            97 => "p-384".to_owned(),
            133 => "p-521".to_owned(),
            _ => "an elliptic curve".to_owned(),
        },
        Ok(PublicKey::RSA(key)) => format!("rsa-{}", key.key_size()),
        _ if public.algorithm.algorithm.to_id_string() == "1.3.101.112" => "ed25519".to_owned(),
        _ => public.algorithm.algorithm.to_id_string(),
    }
}
