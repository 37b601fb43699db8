//! The kinds of keys that a certificate can have.

/// What a key is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum KeyType {
    /// What everything of today reads, and the quickest.
    #[default]
    P256,
    P384,
    Rsa3072,
    Rsa4096,
}

impl KeyType {
    pub const ALL: [Self; 4] = [Self::P256, Self::P384, Self::Rsa3072, Self::Rsa4096];

    /// The kind of a word: `p-256`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::P256 => "p-256",
            Self::P384 => "p-384",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }
}
