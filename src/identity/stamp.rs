//! By what a vault knows again what was sealed with it: a keyed digest in the lock.
//!
//! Whoever may write to git can seal values of his own for a host, since its keys are public, and
//! name them in the lock. He cannot make this digest. In: the vault. Out: digests of lines.

use zeroize::Zeroizing;

use super::belongs::belongs;
use super::digests::{digest_key, keyed_digest};
use super::lock::SealLine;
use super::mint::Refusal;
use super::names::{AUTHORITY_KEY, DIGEST_KEY};
use super::safe::{Keep, Safe};

/// What it takes to make these digests.
pub struct Stamp {
    /// None in a vault that has none yet: it has sealed nothing.
    digests: Option<Zeroizing<Vec<u8>>>,
    /// In an encrypted vault the key of the digests may be somebody else's, who put it there to
    /// stamp with it. The authority's is held against its certificate.
    authority: Zeroizing<Vec<u8>>,
}

impl Stamp {
    /// # Errors
    /// The vault is of another cluster than the lock, or cannot be read.
    pub fn of(safe: Safe) -> Result<Self, Refusal> {
        belongs(safe)?;
        Self::read(&safe)
    }

    /// Of a vault that belongs to the lock.
    pub(super) fn read(vault: &dyn Keep) -> Result<Self, Refusal> {
        let digests = vault.read(DIGEST_KEY)?.map(|hex| digest_key(&hex)).transpose()?;
        Ok(Self { digests, authority: vault.read(AUTHORITY_KEY)?.unwrap_or_default() })
    }

    /// The digest for a line; `None` where nothing was sealed yet.
    pub(super) fn on(&self, host: &str, line: &SealLine) -> Result<Option<String>, Refusal> {
        let Some(key) = &self.digests else { return Ok(None) };
        let SealLine { request, sha256, .. } = line;
        let words = format!("{request} {sha256} ");
        let words = Zeroizing::new([words.as_bytes(), &self.authority].concat());
        // no secret has a colon in its name
        keyed_digest(key, &format!("sealed:{host}"), &words).map(Some)
    }
}
