//! What is made of a password and can not be undone: hashes, as directories and databases keep them.
//!
//! A salt has to be the same in each build and on each machine, and nobody who has not the vault may
//! know it before the hash: it comes of the key of the digests, the secret's name and its value.
//! The only user of `sha1` and `pbkdf2`.

use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::quote::{Encoding, base64};

/// PostgreSQL's `scram_iterations` where nothing is said (PostgreSQL 16, 20.3).
const ITERATIONS: u32 = 4096;

/// As long as PostgreSQL makes it (`SCRAM_DEFAULT_SALT_LEN`).
const SALT: usize = 16;

/// The hash of a value, as the encoding writes it; `None` where it is no hash.
pub(super) fn derived(
    encoding: Encoding,
    key: &[u8],
    name: &str,
    value: &[u8],
) -> Option<Zeroizing<String>> {
    let salt = salt(encoding, key, name, value);
    match encoding {
        Encoding::Ssha => Some(ssha(value, &salt[..8])),
        Encoding::Scram => Some(scram(value, &salt)),
        _ => None,
    }
}

fn salt(encoding: Encoding, key: &[u8], name: &str, value: &[u8]) -> [u8; SALT] {
    let parts = [b"salt", encoding.word().as_bytes(), name.as_bytes(), value];
    let mac = hmac(key, &parts.join(&0));
    let mut salt = [0; SALT];
    salt.copy_from_slice(&mac[..SALT]);
    salt
}

/// SHA-1 of password and salt, with the salt behind it (OpenLDAP 2.4 admin guide, 14.4.3).
fn ssha(value: &[u8], salt: &[u8]) -> Zeroizing<String> {
    let digest = Sha1::new().chain_update(value).chain_update(salt).finalize();
    Zeroizing::new(format!("{{SSHA}}{}", base64(&[&digest, salt].concat())))
}

/// `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` (PostgreSQL 16, 53.14).
///
/// RFC 4013 (SASLprep) leaves ASCII as it is; PostgreSQL takes a password that it cannot prepare as
/// it is too.
fn scram(value: &[u8], salt: &[u8]) -> Zeroizing<String> {
    let mut salted = Zeroizing::new([0; 32]);
    pbkdf2_hmac::<Sha256>(value, salt, ITERATIONS, &mut *salted);
    let client = Zeroizing::new(hmac(&*salted, b"Client Key"));
    let stored = base64(&Sha256::digest(*client));
    let server = base64(&hmac(&*salted, b"Server Key"));
    Zeroizing::new(format!("SCRAM-SHA-256${ITERATIONS}:{}${stored}:{server}", base64(salt)))
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(text);
    mac.finalize().into_bytes().into()
}
