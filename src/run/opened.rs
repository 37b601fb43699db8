//! A description and its lock, opened: what every command begins with.

use super::place::Place;
use super::report::Fault;
use crate::diag::Diagnostics;
use crate::identity::{Lock, State};
use crate::source::{FileId, Sources};
use crate::{Described, Knowledge, describe};

/// What is there, and what is wrong with it so far.
pub(crate) struct Opened<'a> {
    pub(crate) sources: Sources<'a>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) lock: Lock,
    pub(super) knowledge: Knowledge,
    pub(super) file: FileId,
}

impl<'a> Opened<'a> {
    /// # Errors
    /// The description cannot be read.
    pub(crate) fn open(place: Place<'a>, state: &State) -> Result<Self, Fault> {
        let mut sources = Sources::new(place.folder);
        let knowledge = Knowledge::load(&mut sources).map_err(Fault::Bug)?;
        let mut diagnostics = Diagnostics::default();
        let mut lock = Lock::default();
        if let Some(text) = &state.lock {
            let id = sources.add("lock", text.clone());
            lock = Lock::parse(&sources, id, &mut diagnostics);
        }
        let file = sources.open(place.name).map_err(Fault::Environment)?;
        Ok(Self { sources, diagnostics, lock, knowledge, file })
    }

    /// What the description says; `None` where nothing can be made of it.
    pub(crate) fn describe(&mut self) -> Option<Described> {
        let Self { sources, diagnostics, knowledge, file, .. } = self;
        describe(knowledge, sources, *file, &(), diagnostics)
    }
}
