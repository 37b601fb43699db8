//! Values of secrets out of the vault, for what carries them to their hosts.
//!
//! In: a slot. Out: its value, as it is to stand in the host's file. Not here: making one.

use zeroize::Zeroizing;

use super::derived::derived;
use super::digests::{digest_key, keyed_digest};
use super::keys::{key_pair, public_digest};
use super::mint::{Refusal, broken};
use super::names::{DIGEST_KEY, key_name, old_name, secret_name};
use super::safe::Keep;
use crate::model::plan::Slot;
use crate::quote::{Encoding, in_slot};

/// The value of a slot, be it in use or replaced since; `None` where the vault has none.
///
/// # Errors
/// It cannot be read, or is not the one whose digest is in the token.
pub fn value(safe: &dyn Keep, slot: &Slot) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
    let name = value_name(slot);
    let Some(wanted) = slot.digest() else {
        return safe.read(&name)?.map(|it| encoded(safe, slot, &name, it)).transpose();
    };
    let mut other = None;
    for name in [old_name(&name, wanted), name] {
        let Some(value) = safe.read(&name)? else { continue };
        if digest(safe, slot, &name, &value)?.starts_with(wanted) {
            return encoded(safe, slot, &name, value).map(Some);
        }
        other = Some(name);
    }
    match other {
        Some(name) => Err(broken(&name, "it is not the value that the lock names")),
        None => Ok(None),
    }
}

fn digest(safe: &dyn Keep, slot: &Slot, name: &str, value: &[u8]) -> Result<String, Refusal> {
    match slot.encoding {
        Encoding::PrivateKey => Ok(public_digest(&key_pair(name, value)?)),
        _ => keyed_digest(&digests_key(safe)?, &slot.secret, value),
    }
}

fn digests_key(safe: &dyn Keep) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let hex = safe.read(DIGEST_KEY)?;
    digest_key(&hex.ok_or_else(|| broken(DIGEST_KEY, "it is not in the vault"))?)
}

/// A value as its slot's format writes it; the digest is over the value itself.
fn encoded(
    safe: &dyn Keep,
    slot: &Slot,
    name: &str,
    value: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let Some(text) = written(slot.encoding, name, &value)? else { return Ok(value) };
    if slot.encoding.is_derived() {
        let key = digests_key(safe)?;
        let hash = derived(slot.encoding, &key, &slot.secret, text.as_bytes());
        return Ok(Zeroizing::new(hash.unwrap_or_default().as_bytes().to_vec()));
    }
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

/// A value as a format has it, before anything is derived from it; `None` where it stands as it is.
///
/// # Errors
/// The format cannot carry it.
pub fn written(
    encoding: Encoding,
    name: &str,
    value: &[u8],
) -> Result<Option<Zeroizing<String>>, Refusal> {
    match encoding {
        Encoding::Raw => return Ok(None),
        Encoding::PrivateKey => return key_pair(name, value).map(|_| None),
        _ => {}
    }
    let text = std::str::from_utf8(value).map_err(|_| broken(name, "it is not UTF-8"))?;
    match in_slot(encoding, text.trim_end_matches('\n')) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(wrong) => Err(broken(name, &format!("{}: {}", wrong.why, wrong.help))),
    }
}

/// Where the value of a slot lies below the state folder.
#[must_use]
pub fn value_name(slot: &Slot) -> String {
    match slot.secret.strip_prefix("key/") {
        Some(key) => key_name(key),
        None => secret_name(&slot.secret),
    }
}
