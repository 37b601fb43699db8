//! Secrets: how a value is written where its token stands in a reviewed file.

use super::Unquotable;
use super::keyed::{escaped, ini_value};

/// How a secret's value is written where its token stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Encoding {
    /// As it is.
    Raw,
    /// A private key, PEM, as the whole file.
    PrivateKey,
    /// The value of a key of a Java properties file.
    Properties,
    /// The value of a key of an ini file: one line.
    Ini,
}

impl Encoding {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::PrivateKey => "pem",
            Self::Properties => "properties",
            Self::Ini => "ini",
        }
    }
}

/// A secret's value as it is written where its token stands.
///
/// # Errors
/// Where the format cannot carry it.
pub fn in_slot(encoding: Encoding, value: &str) -> Result<String, Unquotable> {
    match encoding {
        Encoding::Raw | Encoding::PrivateKey => Ok(value.to_owned()),
        Encoding::Properties => Ok(escaped(value, true, true)),
        Encoding::Ini => ini_value(value).map(|()| value.to_owned()),
    }
}
