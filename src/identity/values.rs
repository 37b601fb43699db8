//! Values of secrets out of the vault, for what carries them to their hosts.
//!
//! In: a slot. Out: its value, as it is to stand in the host's file. Not here: making one.

use zeroize::Zeroizing;

use super::mint::Refusal;
use super::vault::{
    DIGEST_KEY, broken, digest_key, held, key_name, key_pair, keyed_digest, public_digest,
    secret_name,
};
use crate::model::plan::{Encoding, Slot};
use crate::source::Folder;

/// The value of a slot; `None` where the vault has none.
///
/// # Errors
/// It cannot be read, or is not the one whose digest is in the token.
pub fn value(state: &dyn Folder, slot: &Slot) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
    let name = value_name(slot);
    let Some(value) = held(state, &name)? else { return Ok(None) };
    let Some(wanted) = slot.digest() else { return Ok(Some(value)) };
    let found = match slot.encoding {
        Encoding::PrivateKey => public_digest(&key_pair(&name, &value)?),
        Encoding::Raw => {
            let hex = held(state, DIGEST_KEY)?;
            let hex = hex.ok_or_else(|| broken(DIGEST_KEY, "it is not in the vault"))?;
            keyed_digest(&digest_key(&hex)?, &slot.secret, &value)?
        }
    };
    if found.starts_with(wanted) {
        Ok(Some(value))
    } else {
        Err(broken(&name, "it is not the value that the lock names"))
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
