//! What a change leads to.

/// What happens when a resource or a pinned value changes, from the mildest to the worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Consequence {
    Nothing,
    Reload,
    Restart,
    Resync,
    ManualStep,
    DestroysData,
}

impl Consequence {
    pub const ALL: [Self; 6] = [
        Self::Nothing,
        Self::Reload,
        Self::Restart,
        Self::Resync,
        Self::ManualStep,
        Self::DestroysData,
    ];

    /// As manifests and diffs write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing to do",
            Self::Reload => "reload",
            Self::Restart => "restart",
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
