//! The state folder beside the description: lock, public certificates, vault.
//!
//! In: a [`Folder`]. Out: what is there, read when it is needed; and [`StateWrites`], which the
//! output stage carries out in an order that never loses a key: vault, certificates, lock.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::source::Folder;

/// What lies in the state folder.
pub struct State<'a> {
    pub folder: &'a dyn Folder,
    /// The text of the lock; of the vault's copy where the lock itself is lost.
    pub lock: Option<String>,
    /// Whether the lock itself is there.
    pub has_lock: bool,
    pub has_vault: bool,
    pub has_certificates: bool,
}

impl<'a> State<'a> {
    /// Looks at the folder. `entries` are the names in it.
    ///
    /// # Errors
    /// A sentence: something is there but cannot be read.
    pub fn open(folder: &'a dyn Folder, entries: &[String]) -> Result<Self, String> {
        let has = |name: &str| entries.iter().any(|entry| entry == name);
        // an empty folder is where a vault is mounted, or was
        let keys = ["vault/ca.key", "vault/digest.key"];
        let has_vault = has("vault") && keys.iter().any(|name| folder.exists(name));
        let text = |name: &str| -> Result<String, String> {
            String::from_utf8(folder.read(name)?).map_err(|_| format!("`{name}` is not UTF-8"))
        };
        let lock = if has("lock") { Some(text("lock")?) } else { None };
        // an empty file is what a full disk leaves of a lock; taking it for one would make anew
        // all that was ever made
        let lock = lock.filter(|text| !text.trim().is_empty());
        let has_lock = lock.is_some();
        let lock = lock.or_else(|| text("vault/lock").ok().filter(|_| has_vault));
        Ok(Self { folder, lock, has_lock, has_vault, has_certificates: has("certs") })
    }

    /// Whether the lock names something that a vault holds.
    #[must_use]
    pub fn needs_vault(&self) -> bool {
        let kinds = ["authority ", "certificate ", "secret "];
        let text = self.lock.as_deref().unwrap_or_default();
        text.lines().any(|line| kinds.iter().any(|kind| line.starts_with(kind)))
    }

    /// A public certificate: `ca` or `node1/csync2`. Line ends as they were written.
    #[must_use]
    pub fn certificate(&self, key: &str) -> Option<String> {
        let bytes = self.folder.read(&format!("certs/{key}.pem")).ok()?;
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
    pub lock: Option<String>,
}
