//! What came of a run, and why nothing did.

use std::path::Path;

use crate::Compiled;
use crate::diag::Diagnostics;
use crate::diff::{HostDiff, ReaderDiff, page};
use crate::identity::Refusal;
use crate::output::OutFault;
use crate::source::Sources;

/// Why nothing came of it, beside faults of the description, which are in the [`Report`].
#[derive(Debug)]
pub enum Fault {
    /// What was asked for does not go with the description: a sentence.
    Asked(String),
    /// The surroundings: a file, a lock, the disk.
    Environment(String),
    /// Our own fault.
    Bug(String),
}

impl From<OutFault> for Fault {
    fn from(fault: OutFault) -> Self {
        Self::Environment(fault.to_string())
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Environment(refusal.sentence())
    }
}

/// What came of it.
pub struct Report<'a> {
    pub sources: Sources<'a>,
    pub diagnostics: Diagnostics,
    pub compiled: Option<Compiled>,
    /// What changes; `None` where the description is wrong.
    pub diffs: Option<Vec<HostDiff>>,
    /// Who can open what is encrypted, where that changes.
    pub readers: Vec<ReaderDiff>,
    /// What else is not as a build would write it, a sentence each.
    pub stale: Vec<String>,
    /// Why everything came from the lock, where the vault could not be asked.
    pub without_vault: Option<Refusal>,
}

impl Report<'_> {
    /// The page of changes.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        self.diffs.as_deref().map(|diffs| page(diffs, &self.readers))
    }

    /// Whether a build would change nothing.
    #[must_use]
    pub fn fresh(&self) -> bool {
        let same = |diff: &HostDiff| matches!(diff, HostDiff::Same { .. });
        self.stale.is_empty() && self.diffs.as_ref().is_some_and(|diffs| diffs.iter().all(same))
    }
}

/// What the disk says, with the path of which it is said.
pub(super) fn at_out<T>(result: std::io::Result<T>, path: &Path) -> Result<T, Fault> {
    result.map_err(|error| OutFault::Io(path.to_owned(), error).into())
}
