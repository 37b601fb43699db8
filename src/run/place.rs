//! Where everything lies, and what the last build left in the output folder.

use std::collections::BTreeMap;
use std::path::Path;

use super::report::{Fault, at_out};
use crate::Compiled;
use crate::disk::{Disk, Look};
use crate::identity::{Identities, Safe};
use crate::output::{Existing, KNOWN_HOSTS};
use crate::render::known_hosts;
use crate::source::Folder;
use crate::watch::Watch;

/// Where everything lies.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The description's folder, and its name in there.
    pub folder: &'a dyn Folder,
    pub name: &'a str,
    /// The state folder: what is in it, and where writes go.
    pub state: &'a dyn Folder,
    pub state_path: &'a Path,
    /// The keys of who is at work, which open an encrypted vault.
    pub identities: &'a Identities,
    pub out: &'a Path,
    pub disk: &'a dyn Disk,
    /// Warnings count as errors.
    pub strict: bool,
    /// Is told how far it is.
    pub watch: &'a dyn Watch,
}

impl<'a> Place<'a> {
    /// The vault's files.
    #[must_use]
    pub fn safe(self) -> Safe<'a> {
        Safe { folder: self.state, identities: self.identities }
    }

    /// What lies in the output folder.
    pub(super) fn old(self) -> Old<'a> {
        Old { disk: self.disk, out: self.out }
    }
}

/// An output that is compared with what a build would write.
#[derive(Clone, Copy)]
pub struct Old<'a> {
    pub disk: &'a dyn Look,
    pub out: &'a Path,
}

impl Old<'_> {
    /// The output of the last build, where it is this cluster's.
    pub(super) fn existing(self, compiled: &Compiled) -> Result<Option<Existing>, Fault> {
        let existing = Existing::open(self.disk, self.out)?;
        let name = &compiled.inventory.cluster.name;
        match existing {
            Some(other) if other.cluster.cluster != *name => Err(Fault::Environment(format!(
                "`{}` holds the bundles of the cluster `{}`, not of `{name}`: name another folder with `-o`, or delete this one where the cluster has a new name",
                self.out.display(),
                other.cluster.cluster,
            ))),
            existing => Ok(existing),
        }
    }

    /// The hosts' keys as a file; one without keys where there was one before.
    pub(super) fn known_hosts(self, compiled: &Compiled) -> Result<Option<String>, Fault> {
        let known = known_hosts(&compiled.inventory, &compiled.made_from());
        let path = self.out.join(KNOWN_HOSTS);
        let before = at_out(self.disk.read(&path), &path)?;
        Ok(known
            .or_else(|| before.map(|_| "# No host has an `ssh-host-key` any more.\n".to_owned())))
    }

    /// The output folder's own files that are not as they should be.
    pub(super) fn stale(
        self,
        tops: BTreeMap<&'static str, String>,
    ) -> Result<Vec<(&'static str, String)>, Fault> {
        let mut stale = Vec::new();
        for (name, text) in tops {
            let path = self.out.join(name);
            let before = at_out(self.disk.read(&path), &path)?;
            if before.as_deref() != Some(text.as_bytes()) {
                stale.push((name, text));
            }
        }
        Ok(stale)
    }
}
