//! The state folder beside the description: lock, public certificates, vault.
//!
//! In: a [`Folder`]. Out: what is there, read when it is needed; and [`StateWrites`], which the
//! output stage carries out in an order that never loses a key: vault, certificates, lock.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use super::mint::Refusal;
use super::names::waiting;
use super::safe::Safe;
use crate::source::Folder;

/// Whether there is a vault that can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VaultIs {
    Absent,
    /// It is encrypted, and no identity was named.
    Closed,
    Open,
}

impl VaultIs {
    /// Why it cannot be asked; `None` where it can.
    fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Absent => Some(Refusal::NoVault),
            Self::Closed => Some(Refusal::Closed),
            Self::Open => None,
        }
    }
}

/// What lies in the state folder.
pub struct State<'a> {
    pub folder: &'a dyn Folder,
    /// The text of the lock; of the vault's copy where the lock itself is lost.
    pub lock: Option<String>,
    /// Whether the lock itself is there.
    pub has_lock: bool,
    pub vault: VaultIs,
    /// To whom the vault is encrypted; `None` where there is none.
    pub recipients: Option<Vec<String>>,
    pub has_certificates: bool,
}

impl<'a> State<'a> {
    /// Looks at the folder. `entries` are the names in it.
    ///
    /// # Errors
    /// A sentence: something is there but cannot be read.
    pub fn open(safe: Safe<'a>, entries: &[String]) -> Result<Self, String> {
        let folder = safe.folder;
        let has = |name: &str| entries.iter().any(|entry| entry == name);
        // an empty folder is where a vault is mounted, or was
        let is_there = has("vault") && safe.is_there();
        let vault = match is_there {
            false => VaultIs::Absent,
            true if safe.is_closed() => VaultIs::Closed,
            true => VaultIs::Open,
        };
        let text = |name: &str| -> Result<String, String> {
            String::from_utf8(folder.read(name)?).map_err(|_| format!("`{name}` is not UTF-8"))
        };
        let lock = if has("lock") { Some(text("lock")?) } else { None };
        // an empty file is what a full disk leaves of a lock; taking it for one would make anew
        // all that was ever made
        let lock = lock.filter(|text| !text.trim().is_empty());
        let has_lock = lock.is_some();
        let lock = lock.or_else(|| text("vault/lock").ok().filter(|_| is_there));
        let recipients = is_there.then(|| safe.recipients());
        Ok(Self { folder, lock, has_lock, vault, recipients, has_certificates: has("certs") })
    }

    /// Why a vault cannot be asked although the lock names what it holds.
    #[must_use]
    pub fn without_vault(&self) -> Option<Refusal> {
        self.vault.refusal().filter(|_| self.has_lock && self.needs_vault())
    }

    /// Whether the lock names something that a vault holds.
    fn needs_vault(&self) -> bool {
        let kinds = ["authority ", "certificate ", "secret ", "sealed "];
        let text = self.lock.as_deref().unwrap_or_default();
        text.lines().any(|line| kinds.iter().any(|kind| line.starts_with(kind)))
    }

    /// A public certificate: `ca` or `node1/csync2`. Line ends as they were written.
    #[must_use]
    pub fn certificate(&self, key: &str) -> Option<String> {
        self.text(&format!("certs/{key}.pem"))
    }

    /// One that waits beside its place, because its writer was killed.
    #[must_use]
    pub fn waiting(&self, key: &str) -> Option<String> {
        let (folder, name) = key.rsplit_once('/').unwrap_or((".", key));
        self.text(&format!("certs/{folder}/{}", waiting(&format!("{name}.pem"))))
    }

    /// A host's sealed secrets.
    #[must_use]
    pub fn sealed(&self, host: &str) -> Option<String> {
        self.text(&format!("sealed/{host}.age"))
    }

    fn text(&self, name: &str) -> Option<String> {
        let bytes = self.folder.read(name).ok()?;
        Some(String::from_utf8(bytes).ok()?.replace("\r\n", "\n"))
    }
}

/// What a build adds to the state, by path below the state folder. Nothing is in here that is
/// there already with the same content.
#[derive(Default)]
pub struct StateWrites {
    /// Secret: 0600, in folders of 0700, synced before anything else is written.
    pub vault: BTreeMap<String, Zeroizing<Vec<u8>>>,
    pub certificates: BTreeMap<String, String>,
    /// Host → its secrets, sealed.
    pub sealed: BTreeMap<String, String>,
    pub lock: Option<String>,
    /// Files that nothing names any more, by path below the state folder.
    pub gone: BTreeSet<String>,
}

impl StateWrites {
    #[must_use]
    pub fn are_none(&self) -> bool {
        let Self { vault, certificates, sealed, lock, gone } = self;
        let texts = [certificates, sealed];
        vault.is_empty()
            && texts.iter().all(|it| it.is_empty())
            && lock.is_none()
            && gone.is_empty()
    }
}
