//! What lies in the vault, by name.
//!
//! What was replaced stays, beside its successor, under its own digest:
//! `vault/keys/node1/csync2.key.1a2b3c4d`. A lock that is reverted names it again.

pub(super) const AUTHORITY_KEY: &str = "vault/ca.key";
pub(super) const DIGEST_KEY: &str = "vault/digest.key";

/// What names the private keys that the vault has of its own; other keys are secrets that a
/// person gave.
pub(super) const OWN_KEY: &str = "key/";

/// What ends the names of encrypted files.
pub(super) const ENCRYPTED: &str = ".age";

/// A copy of the lock, which is nothing secret.
pub(super) const LOCK: &str = "vault/lock";

/// To whom the files are encrypted, a line each: the files themselves do not tell.
pub const RECIPIENTS: &str = "vault/recipients";

pub(super) fn key_name(key: &str) -> String {
    format!("vault/keys/{key}.key")
}

pub(super) fn secret_name(key: &str) -> String {
    format!("vault/secrets/{key}")
}

/// What names the authority's own key: no secret has a colon.
pub const AUTHORITY: &str = "authority:";

/// Where a private key lies: one of the vault's own (`key/www`), or a secret that a person gave.
pub(super) fn private_name(secret: &str) -> String {
    if secret == AUTHORITY {
        return AUTHORITY_KEY.to_owned();
    }
    match secret.strip_prefix(OWN_KEY) {
        Some(own) => key_name(own),
        None => secret_name(secret),
    }
}

/// How many digits of a digest tell values apart; lock and tokens show as many.
const DIGITS: usize = 8;

/// Where a value of this digest lies once another one has its name.
pub(super) fn old_name(name: &str, digest: &str) -> String {
    format!("{name}.{}", &digest[..DIGITS])
}

/// Whether a name is one of these. Labels have no dots, so nothing else is called so.
#[must_use]
pub fn is_old(name: &str) -> bool {
    let digits = |it: &str| it.len() == DIGITS && it.bytes().all(|b| b.is_ascii_hexdigit());
    let name = name.strip_suffix(ENCRYPTED).unwrap_or(name);
    name.rsplit_once('.').is_some_and(|(_, digest)| digits(digest))
}

/// What a file is called until it takes its place.
#[must_use]
pub fn waiting(name: &str) -> String {
    format!(".{name}.new")
}
