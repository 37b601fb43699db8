//! Whether a vault is the one that a lock was made with.
//!
//! In: the state folder. Out: nothing, or why not. What was put into the vault of another cluster
//! would be lost with it.

use super::digests::{certificate_digests, digest_key, keyed_digest};
use super::keys::{key_pair, public_digest};
use super::mint::Refusal;
use super::names::{AUTHORITY_KEY, DIGEST_KEY, old_name, secret_name};
use super::safe::{Keep, Safe};

/// Where a lock and a vault are of two clusters, the one or the other is told by what both know.
///
/// # Errors
/// The vault is another cluster's, or cannot be read.
pub(super) fn belongs(safe: Safe) -> Result<(), Refusal> {
    let lock = safe.folder.read("lock").unwrap_or_default();
    let lock = String::from_utf8_lossy(&lock);
    match by_authority(safe, &lock)? {
        Some(true) => Ok(()),
        Some(false) => other("the key of certs/ca.pem"),
        None if by_values(safe, &lock)? => Ok(()),
        None => other("any of the values that the lock names"),
    }
}

fn other(lacks: &str) -> Result<(), Refusal> {
    Err(Refusal::Vault(format!("the vault does not have {lacks}: they are of two clusters")))
}

/// Whether the authority that the lock names has its key in the vault; `None` where there is none.
fn by_authority(safe: Safe, lock: &str) -> Result<Option<bool>, Refusal> {
    let pem = safe.folder.read("certs/ca.pem").unwrap_or_default();
    let Some((public, sha256)) = certificate_digests(&String::from_utf8_lossy(&pem)) else {
        return Ok(None);
    };
    if !lock.lines().any(|line| line.strip_prefix("authority sha256=") == Some(&sha256)) {
        return Ok(None);
    }
    let mut known = None;
    for name in [old_name(AUTHORITY_KEY, &public), AUTHORITY_KEY.to_owned()] {
        let Some(key) = safe.read(&name)? else { continue };
        known = Some(public_digest(&key_pair(&name, &key)?) == public);
        if known == Some(true) {
            break;
        }
    }
    Ok(known)
}

/// Whether one of the values fits that both know; also where there is none.
fn by_values(safe: Safe, lock: &str) -> Result<bool, Refusal> {
    let Some(hex) = safe.read(DIGEST_KEY)? else { return Ok(true) };
    let digest_key = digest_key(&hex)?;
    let mut known = false;
    for line in lock.lines() {
        let line = line.strip_prefix("retired ").unwrap_or(line);
        let words = line.strip_prefix("secret ").and_then(|it| it.split_once(' '));
        let Some((key, digest)) = words.filter(|(_, digest)| digest.len() == 32) else { continue };
        let name = secret_name(key);
        for name in [old_name(&name, digest), name] {
            let Some(value) = safe.read(&name)? else { continue };
            known = true;
            if keyed_digest(&digest_key, key, &value)? == digest {
                return Ok(true);
            }
        }
    }
    Ok(!known)
}
