//! Numbers with a meaning: ports, durations, sizes, modes, paths, versions, addresses.

use std::fmt;
use std::net::IpAddr;

use super::name::Wrong;

/// A TCP or UDP port, 1 to 65535.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Port(u16);

impl Port {
    /// # Errors
    /// Out of range.
    pub fn parse(number: i128) -> Result<Self, Wrong> {
        u16::try_from(number)
            .ok()
            .filter(|port| *port > 0)
            .map(Self)
            .ok_or_else(|| Wrong::new("is no port", "a port is 1 to 65535"))
    }

    /// A port that clustergen knows by itself.
    #[must_use]
    pub const fn known(port: u16) -> Self {
        Self(port)
    }

    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A span of time in whole seconds, more than none: `10s`, `5m`, `2h`, `1d`, `4w`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Duration(u64);

impl Duration {
    /// # Errors
    /// No number with one of the units, or none at all.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            Wrong::new("is no duration", "write a number and a unit: `10s`, `5m`, `2h`, `1d`, `4w`")
        };
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(wrong()),
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || digits.len() > 6 {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        if number == 0 { Err(wrong()) } else { Ok(Self(number * seconds)) }
    }

    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// Whole minutes, where it is so many.
    #[must_use]
    pub fn minutes(self) -> Option<u32> {
        self.0.is_multiple_of(60).then(|| u32::try_from(self.0 / 60).ok()).flatten()
    }

    #[must_use]
    pub fn days(self) -> u64 {
        self.0 / 86_400
    }
}

/// As short as it can be written: `90s`, `5m`, `397d`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, seconds) in [('d', 86_400), ('h', 3600), ('m', 60)] {
            if self.0.is_multiple_of(seconds) {
                return write!(f, "{}{unit}", self.0 / seconds);
            }
        }
        write!(f, "{}s", self.0)
    }
}

/// Bytes: `512`, `64K`, `512M`, `2G`, in powers of 1024.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Size(u64);

impl Size {
    /// # Errors
    /// No number with an optional unit.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || Wrong::new("is no size", "write a number and a unit: `64K`, `512M`, `2G`");
        let (digits, shift) = match text.chars().next_back() {
            Some('K') => (&text[..text.len() - 1], 10),
            Some('M') => (&text[..text.len() - 1], 20),
            Some('G') => (&text[..text.len() - 1], 30),
            _ => (text, 0),
        };
        if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        if number == 0 { Err(wrong()) } else { Ok(Self(number << shift)) }
    }

    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// As nginx and most others read it.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in [("G", 30), ("M", 20), ("K", 10)] {
            if self.0.trailing_zeros() >= shift {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

/// The longest name of a file or folder that `apply.sh` can install. A name has 255 bytes at the most
/// (`NAME_MAX`, path_resolution(7)), and `.NAME.dpkg-new` has to fit beside it.
pub const LONGEST_NAME: usize = 245;

/// The longest path. One has 4,095 bytes at the most (`PATH_MAX`), and copies of what was there lie
/// below folders of `apply.sh`, with the path of the bundle or of its state before theirs.
const LONGEST_PATH: usize = 3072;

/// An absolute path on a host, below its root, which is nobody's alone: no `.`, no `..`, no doubled
/// or closing slash, no control characters, no space at the end, nowhere too long for what `apply.sh`
/// puts beside it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AbsPath(String);

impl AbsPath {
    /// A closing slash is taken off; everything else must be right.
    ///
    /// # Errors
    /// Not absolute, or not in its plain form.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let path = if text.len() > 1 { text.strip_suffix('/').unwrap_or(text) } else { text };
        let help = "write an absolute path without `.`, `..` and `//`, as `/etc/app`";
        if !path.starts_with('/') {
            return Err(Wrong::new("is no absolute path", help));
        }
        if path.chars().any(char::is_control) || path.ends_with(' ') {
            return Err(Wrong::new("is no path that a person could read", help));
        }
        if path.len() > LONGEST_PATH {
            let help = format!(
                "{LONGEST_PATH} bytes at the most: Linux takes 4095, and `apply.sh` keeps a copy below a folder of its own"
            );
            return Err(Wrong::new("is too long for a path", help));
        }
        if path.split('/').any(|part| part.len() > LONGEST_NAME) {
            let help = format!(
                "{LONGEST_NAME} bytes at the most between two slashes: file systems take 255, and `apply.sh` writes `.NAME.dpkg-new` beside it first"
            );
            return Err(Wrong::new("has a name in it that is too long", help));
        }
        if path == "/" {
            let help = "name a file or a folder below it, as `/etc/app`";
            return Err(Wrong::new("is the root of all files", help));
        }
        if path[1..].split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(Wrong::new("is not in its plain form", help));
        }
        Ok(Self(path.to_owned()))
    }

    /// A path that clustergen makes from parts that it has checked.
    #[must_use]
    pub fn known(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` lies below this folder, or is it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0 == self.0 || other.0.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl fmt::Display for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file's permission bits, written in octal as a string: `"0640"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mode(u16);

impl Mode {
    /// # Errors
    /// Not three or four octal digits.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let octal =
            (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let bits = u16::from_str_radix(text, 8).ok().filter(|_| octal);
        bits.map(Self).ok_or_else(|| Wrong::new("is no mode", "write it in octal, as `\"0640\"`"))
    }

    #[must_use]
    pub const fn known(bits: u16) -> Self {
        Self(bits)
    }

    #[must_use]
    pub fn bits(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// A program's version: numbers with dots; compared number by number, `1.9` before `1.25`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version(Vec<u32>);

impl Version {
    /// # Errors
    /// No numbers with dots.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let parts: Option<Vec<u32>> = text
            .split('.')
            .map(|part| part.parse().ok().filter(|_| part.len() <= 6 && !part.starts_with('+')))
            .collect();
        parts
            .map(Self)
            .ok_or_else(|| Wrong::new("is no version", "write numbers with dots, as `\"1.22.1\"`"))
    }

    /// `at_least(&[1, 25, 1])`.
    #[must_use]
    pub fn at_least(&self, parts: &[u32]) -> bool {
        self.0.as_slice() >= parts
    }

    /// Whether the first numbers are these: `4.1` and `4.1.2` start with `4`.
    #[must_use]
    pub fn starts_with(&self, parts: &[u32]) -> bool {
        self.0.starts_with(parts)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

/// An address that a host can have.
///
/// # Errors
/// No address, or one that stands for nobody, everybody or oneself.
pub fn host_address(text: &str) -> Result<IpAddr, Wrong> {
    let help = "write the host's own IPv4 or IPv6 address, as `192.0.2.10`";
    let address: IpAddr = text.parse().map_err(|_| Wrong::new("is no address", help))?;
    let unusable = match address {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().is_some() || v6.is_unicast_link_local(),
    };
    if unusable || address.is_unspecified() || address.is_loopback() || address.is_multicast() {
        return Err(Wrong::new("is an address that no host can have", help));
    }
    Ok(address)
}
