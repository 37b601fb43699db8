//! Names: DNS labels, DNS names, and why something is none.

use std::fmt;

/// Why a string is not what is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// Follows the value in backticks: `is no port: 1 to 65535`.
    pub why: String,
    /// What to write instead.
    pub help: String,
}

impl Wrong {
    pub fn new(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self { why: why.into(), help: help.into() }
    }
}

/// Whether it is a name that every host has for itself, or for all in reach, in `/etc/hosts` as
/// Debian and Red Hat ship it; and all below `localhost` (RFC 6761, section 6.3).
#[must_use]
pub fn is_everybodys(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-localhost",
        "ip6-localnet",
        "ip6-loopback",
        "ip6-mcastprefix",
        "localhost",
        "localhost.localdomain",
        "localhost4",
        "localhost4.localdomain4",
        "localhost6",
        "localhost6.localdomain6",
    ];
    NAMES.contains(&name) || name.ends_with(".localhost")
}

/// A DNS label (RFC 1123): lower-case letters, digits and inner hyphens, 63 at the most.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Label(String);

impl Label {
    /// # Errors
    /// Where it is no label.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fine = (1..=63).contains(&text.len())
            && text.chars().all(legal)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fine {
            return Ok(Self(text.to_owned()));
        }
        Err(Wrong::new(
            "is no DNS label",
            "use lower-case letters, digits and inner hyphens, 63 at the most, as `node1`",
        ))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A DNS name: labels joined by dots, 253 characters at the most.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Domain(String);

impl Domain {
    /// # Errors
    /// Where it is no name, or an address.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let help = "write a name as `www.example.org`, in lower case";
        let labels = text.split('.').all(|label| Label::parse(label).is_ok());
        if text.len() > 253 || !labels {
            return Err(Wrong::new("is no DNS name", help));
        }
        // no top-level domain is a number (RFC 3696, section 2)
        if text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
            return Err(Wrong::new("is no DNS name but looks like an address", help));
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
