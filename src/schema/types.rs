//! The kinds of values, each with its check.

use super::zone::check_zone;
use crate::model::crontab::Crontab;
use crate::model::name::{Domain, Label, Wrong};
use crate::model::value::{
    AbsPath, Duration, LONGEST_NAME, Mode, Port, Size, Version, host_address,
};
use crate::syntax::node::{Scalar, Value};

/// What an argument or a property holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Type {
    /// One line of text, not empty.
    String,
    /// Text of any number of lines.
    Text,
    Label,
    Domain,
    /// A host's or a group's name.
    Host,
    /// The same, or a DNS name that is none of ours.
    HostOrDomain,
    Address,
    /// A server of somebody else's, by name or address.
    Server,
    Port,
    Integer {
        min: i128,
        max: i128,
    },
    Duration,
    Size,
    Path,
    Mode,
    /// A user's or a group's name on a host.
    Account,
    /// A user or group that is to be made.
    Login,
    /// A file's name without its folder.
    FileName,
    /// A package of the distribution.
    Package,
    /// A systemd unit's name.
    Unit,
    /// An environment variable's name.
    Variable,
    /// Five fields of a crontab, or a word for them.
    Schedule,
    Version,
    /// A time zone, as `Europe/Berlin`.
    Zone,
    Bool,
    OneOf(Vec<String>),
    /// `(secret)"name"`.
    Secret,
    /// Text of any number of lines, or `(secret)"name"`.
    TextOrSecret,
    /// A path of a URL: `/static`, with an optional modifier of nginx's.
    Location,
    /// A file beside the description.
    LocalFile,
    /// A file beside the description, or an absolute path of a host's.
    FileOrPath,
    /// `(secret)"name"`, or an absolute path of a host's.
    SecretOrPath,
}

impl Type {
    /// What the schema files call it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Text => "text",
            Self::Label => "label",
            Self::Domain => "domain",
            Self::Host => "host",
            Self::HostOrDomain => "host-or-domain",
            Self::Address => "address",
            Self::Server => "server",
            Self::Port => "port",
            Self::Integer { .. } => "integer",
            Self::Duration => "duration",
            Self::Size => "size",
            Self::Path => "path",
            Self::Mode => "mode",
            Self::Account => "account",
            Self::Login => "login",
            Self::FileName => "file-name",
            Self::Package => "package",
            Self::Unit => "unit",
            Self::Variable => "variable",
            Self::Schedule => "schedule",
            Self::Version => "version",
            Self::Zone => "zone",
            Self::Bool => "bool",
            Self::OneOf(_) => "one-of",
            Self::Secret => "secret",
            Self::TextOrSecret => "text-or-secret",
            Self::Location => "location",
            Self::LocalFile => "file",
            Self::FileOrPath => "file-or-path",
            Self::SecretOrPath => "secret-or-path",
        }
    }

    /// What stands before the word: `a`, `an`.
    #[must_use]
    pub fn article(&self) -> &'static str {
        if self.word().starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
    }

    /// What it takes, for the reference. A text in backticks and quotes is a value of the kind.
    #[must_use]
    pub fn takes(&self) -> &'static str {
        match self {
            Self::String => "text in one line, not empty",
            Self::Text => {
                "text of any number of lines; between two `\"\"\"` on lines of their own it is taken as it stands"
            }
            Self::Label => {
                "lower-case letters, digits and inner hyphens, 63 at the most (a DNS label): `\"node1\"`"
            }
            Self::Domain => "a DNS name in lower case: `\"www.example.org\"`",
            Self::Host => "the name of a host, or of a group for all its members: `\"node1\"`",
            Self::HostOrDomain => {
                "the name of a host or a group, or a DNS name: `\"node1\"`, `\"vip.example.org\"`"
            }
            Self::Address => {
                "an IPv4 or IPv6 address that a host can have: `\"192.0.2.10\"`, `\"2001:db8::10\"`"
            }
            Self::Server => {
                "a server's DNS name or address: `\"ntp1.example.org\"`, `\"192.0.2.10\"`"
            }
            Self::Port => "a number from 1 to 65535, without quotes",
            Self::Integer { .. } => "a whole number, without quotes",
            Self::Duration => {
                "a number with its unit: `\"10s\"`, `\"5m\"`, `\"2h\"`, `\"1d\"`, `\"4w\"`"
            }
            Self::Size => {
                "bytes, or a number with a unit of 1024: `\"512\"`, `\"64K\"`, `\"512M\"`, `\"2G\"`"
            }
            Self::Path => "an absolute path without `.`, `..` and `//`: `\"/etc/app\"`",
            Self::Mode => "permissions in octal: `\"0640\"`",
            Self::Account => "a user or group of the host: `\"www-data\"`",
            Self::Login => "a user or group that is to be made: `\"app\"`",
            Self::FileName => {
                "letters, digits, `.`, `_` and `-`, not beginning with a dot or hyphen: `\"tables.sql\"`"
            }
            Self::Package => "a package by its name alone: `\"curl\"`",
            Self::Unit => "a systemd unit with its suffix: `\"app.service\"`",
            Self::Variable => {
                "letters, digits and `_`, not beginning with a digit: `\"API_TOKEN\"`"
            }
            Self::Schedule => {
                "the five fields of a crontab, or a word for them: `\"30 3 * * sun\"`, `\"@daily\"`"
            }
            Self::Version => "numbers with dots, in quotes: `\"1.22.1\"`",
            Self::Zone => "a time zone by area and city: `\"Europe/Berlin\"`, `\"Etc/UTC\"`",
            Self::Bool => "`#true` or `#false`",
            Self::OneOf(_) => "one of the words that are named",
            Self::Secret => "a secret by its name: `(secret)\"redis\"`",
            Self::TextOrSecret => {
                "text of any number of lines, or a secret by its name: `(secret)\"redis\"`"
            }
            Self::Location => {
                "a path that starts with `/`, alone or behind `=`, `^~`, `~` or `~*` and a space, as nginx has it: `\"/static\"`, `\"= /status\"`, `\"~ [.]php$\"`"
            }
            Self::LocalFile => {
                "a path below the folder of the description, relative to it: `\"pages/503.html\"`"
            }
            Self::FileOrPath => {
                "a path below the folder of the description, relative to it, or an absolute one of a host's: `\"certs/www.crt\"`, `\"/etc/ssl/www.crt\"`"
            }
            Self::SecretOrPath => {
                "a secret by its name, or an absolute path of a host's: `(secret)\"www-key\"`, `\"/etc/ssl/www.key\"`"
            }
        }
    }

    /// Whether the value is of this kind.
    ///
    /// # Errors
    /// Why not, and what to write.
    pub fn check(&self, value: &Value) -> Result<(), Wrong> {
        match (self, &value.scalar) {
            (Self::Bool, Scalar::Bool(_)) => Ok(()),
            (Self::Bool, _) => Err(Wrong::new("is no truth value", "write `#true` or `#false`")),
            (Self::Port, Scalar::Integer(number)) => Port::parse(*number).map(drop),
            (Self::Integer { min, max }, Scalar::Integer(n)) if (min..=max).contains(&n) => Ok(()),
            (Self::Port, _) => Err(Wrong::new("is no port", "a port is a number, 1 to 65535")),
            (Self::Integer { min, max }, _) => Err(Wrong::new(
                "is no number in the range",
                format!("write a whole number, {min} to {max}"),
            )),
            (Self::TextOrSecret | Self::SecretOrPath, Scalar::String(text))
                if value.annotation.is_some() =>
            {
                Label::parse(text).map(drop)
            }
            (_, Scalar::String(text)) => self.check_text(text),
            _ => Err(Wrong::new(
                "is no text",
                format!("write {} {} in quotes", self.article(), self.word()),
            )),
        }
    }

    fn check_text(&self, text: &str) -> Result<(), Wrong> {
        match self {
            Self::String => one_line(text),
            Self::Label | Self::Host | Self::Secret => Label::parse(text).map(drop),
            Self::Domain | Self::HostOrDomain => Domain::parse(text).map(drop),
            Self::Address => host_address(text).map(drop),
            Self::Server => server(text),
            Self::Zone => check_zone(text),
            Self::Duration => Duration::parse(text).map(drop),
            Self::Size => Size::parse(text).map(drop),
            Self::Path | Self::SecretOrPath => AbsPath::parse(text).map(drop),
            Self::Mode => Mode::parse(text).map(drop),
            Self::Version => Version::parse(text).map(drop),
            Self::OneOf(words) => {
                if words.iter().any(|word| word == text) {
                    return Ok(());
                }
                let help = format!("write {}", crate::diag::or_list(words));
                Err(Wrong::new("is none of the words for this", help))
            }
            Self::Account => account(text),
            Self::Login => login(text),
            Self::FileName => file_name(text),
            Self::Package => package(text),
            Self::Unit => unit(text),
            Self::Variable => variable(text),
            Self::Schedule => Crontab::parse(text).map(drop),
            Self::Location => location(text),
            Self::FileOrPath if text.starts_with('/') => AbsPath::parse(text).map(drop),
            Self::LocalFile | Self::FileOrPath => local_file(text),
            Self::Text | Self::TextOrSecret | Self::Bool | Self::Port | Self::Integer { .. } => {
                Ok(())
            }
        }
    }
}

fn one_line(text: &str) -> Result<(), Wrong> {
    if text.trim().is_empty() {
        return Err(Wrong::new("is empty", "write something, or leave the node out"));
    }
    if text.contains(['\n', '\r']) {
        return Err(Wrong::new("has more than one line", "write it in one line"));
    }
    Ok(())
}

fn server(text: &str) -> Result<(), Wrong> {
    if Domain::parse(text).is_ok() || host_address(text).is_ok() {
        return Ok(());
    }
    let help = "write its name or its address, as `ntp1.example.org` or `192.0.2.10`";
    Err(Wrong::new("is neither a DNS name nor an address", help))
}

/// useradd(8), CAVEATS.
const LONGEST_ACCOUNT: usize = 32;

/// As useradd(8) takes it (`is_valid_user_name` of shadow 4.13), and what the tools of directories add
/// to it; or a number.
fn account(text: &str) -> Result<(), Wrong> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name = text.strip_suffix('$').unwrap_or(text);
    let fine = !name.is_empty() && !name.starts_with('-') && name.chars().all(legal);
    if fine && text.len() <= LONGEST_ACCOUNT && !matches!(name, "." | "..") {
        return Ok(());
    }
    let help = format!("use letters, digits, `.`, `_` and `-`, {LONGEST_ACCOUNT} at the most");
    Err(Wrong::new("is no user or group", help))
}

/// What useradd(8) makes on every distribution; Debian's own would make stranger ones.
fn login(text: &str) -> Result<(), Wrong> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    let first = |c: char| c.is_ascii_lowercase() || c == '_';
    if text.len() <= LONGEST_ACCOUNT && text.starts_with(first) && text.chars().all(legal) {
        return Ok(());
    }
    let help = "use lower-case letters, digits, `_` and `-`, a letter first, 32 at the most";
    Err(Wrong::new("is no name that every `useradd` takes", help))
}

/// As a shell can export it (POSIX, Base Definitions, 3.216 Name).
fn variable(text: &str) -> Result<(), Wrong> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(legal)
    {
        return Ok(());
    }
    let help = "use letters, digits and `_`, no digit first, as `API_TOKEN`";
    Err(Wrong::new("is no name of an environment variable", help))
}

fn file_name(text: &str) -> Result<(), Wrong> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.starts_with(first) && text.chars().all(legal) && text.len() <= LONGEST_NAME {
        return Ok(());
    }
    Err(Wrong::new("is no file's name", "write its name alone, without a folder: `\"tables.sql\"`"))
}

/// deb-control(5) and RPM's names together. A `-` at the end would have apt remove the package.
fn package(text: &str) -> Result<(), Wrong> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "+._-".contains(c);
    let first = |c: char| c.is_ascii_alphanumeric();
    if text.starts_with(first) && text.chars().all(legal) && !text.ends_with('-') {
        return Ok(());
    }
    Err(Wrong::new("is no package", "write its name alone, without version and architecture"))
}

/// systemd.unit(5): the characters that a name may have.
fn unit(text: &str) -> Result<(), Wrong> {
    let legal = |c: char| c.is_ascii_alphanumeric() || ":_.@\\-".contains(c);
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || !text.chars().all(legal) {
        return Err(Wrong::new("is no unit", "write a name with its suffix, as `app.service`"));
    }
    if text.len() > LONGEST_NAME {
        let help = format!(
            "{LONGEST_NAME} characters at the most: it is a file's name, and `apply.sh` writes `.NAME.dpkg-new` beside it first"
        );
        return Err(Wrong::new("is too long for a unit", help));
    }
    Ok(())
}

fn location(text: &str) -> Result<(), Wrong> {
    one_line(text)?;
    let (modifier, path) = match text.split_once(' ') {
        Some((modifier @ ("=" | "^~" | "~" | "~*"), path)) => (modifier, path),
        _ => ("", text),
    };
    if path.starts_with('/') || (modifier.starts_with('~') && !path.is_empty()) {
        return Ok(());
    }
    Err(Wrong::new(
        "is no location",
        "write a path that starts with `/`, alone or behind `= `, `^~ `, `~ ` or `~* `",
    ))
}

fn local_file(text: &str) -> Result<(), Wrong> {
    one_line(text)?;
    let plain = text.strip_suffix('/').unwrap_or(text);
    if plain.starts_with('/') || plain.split('/').any(|part| part == ".." || part.is_empty()) {
        let help = "write a path relative to the description, below its folder";
        return Err(Wrong::new("leaves the description's folder", help));
    }
    Ok(())
}
