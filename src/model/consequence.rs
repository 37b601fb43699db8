//! What a change leads to.

/// What happens when a resource or a pinned value changes, from the mildest to the worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Consequence {
    Nothing,
    /// Something is made of it that is no file of ours: a key store, an entry in a directory.
    Made,
    Reload,
    Restart,
    /// For good: the unit is disabled, too.
    Stop,
    /// What it shows has to be known to others before, or they are without it for so long.
    ApplyLast,
    /// It learns what another is to show.
    ApplyFirst,
    Resync,
    ManualStep,
    DestroysData,
}

impl Consequence {
    pub const ALL: [Self; 10] = [
        Self::Nothing,
        Self::Made,
        Self::Reload,
        Self::Restart,
        Self::Stop,
        Self::ApplyLast,
        Self::ApplyFirst,
        Self::Resync,
        Self::ManualStep,
        Self::DestroysData,
    ];

    /// As manifests and diffs write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing to do",
            Self::Made => "made so anew",
            Self::Reload => "reload",
            Self::Restart => "restart",
            Self::Stop => "stopped and disabled",
            Self::ApplyLast => "apply there last",
            Self::ApplyFirst => "apply there first",
            Self::Resync => "resync",
            Self::ManualStep => "manual step",
            Self::DestroysData => "destroys data",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}
