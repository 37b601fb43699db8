//! Secrets: how a value is written where its token stands in a reviewed file.
//!
//! The only user of `base64`.

use base64::prelude::{BASE64_STANDARD, Engine};

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
    /// Text or an attribute's value of XML 1.0.
    Xml,
    /// What stands between the quotes of a string of JSON (RFC 8259).
    Json,
    /// A part of a URL (RFC 3986, 2.3).
    Url,
    /// RFC 4648, 4; behind `::` in LDIF.
    Base64,
    /// A word of sh, with its quotes.
    Sh,
    /// A word of redis.conf and of redis-cli, with its quotes (`sdssplitargs` in Redis's `sds.c`).
    Redis,
    /// `{SSHA}…`, the salted SHA-1 of OpenLDAP and OpenDJ (RFC 2307 and slapd-config(5)).
    Ssha,
    /// `SCRAM-SHA-256$…`, as PostgreSQL keeps a password (RFC 5803, RFC 7677).
    Scram,
}

impl Encoding {
    /// Those that a text of a person's own may ask for.
    pub const ASKED_FOR: [Self; 7] =
        [Self::Xml, Self::Json, Self::Url, Self::Base64, Self::Sh, Self::Ssha, Self::Scram];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::PrivateKey => "pem",
            Self::Properties => "properties",
            Self::Ini => "ini",
            Self::Xml => "xml",
            Self::Json => "json",
            Self::Url => "url",
            Self::Base64 => "base64",
            Self::Sh => "sh",
            Self::Redis => "redis",
            Self::Ssha => "ssha",
            Self::Scram => "scram",
        }
    }

    /// Whether a value cannot be read from what is written.
    #[must_use]
    pub fn is_derived(self) -> bool {
        matches!(self, Self::Ssha | Self::Scram)
    }
}

/// A secret's value as it is written where its token stands; derived ones are made by who has a
/// salt.
///
/// # Errors
/// Where the format cannot carry it.
pub fn in_slot(encoding: Encoding, value: &str) -> Result<String, Unquotable> {
    match encoding {
        Encoding::Raw | Encoding::PrivateKey | Encoding::Ssha | Encoding::Scram => {
            Ok(value.to_owned())
        }
        Encoding::Properties => Ok(escaped(value, true, true)),
        Encoding::Ini => ini_value(value).map(|()| value.to_owned()),
        Encoding::Xml => xml(value),
        Encoding::Json => {
            let string = serde_json::Value::from(value).to_string();
            Ok(string[1..string.len() - 1].to_owned())
        }
        Encoding::Url => Ok(value.bytes().map(url).collect()),
        Encoding::Base64 => Ok(base64(value.as_bytes())),
        Encoding::Sh => Ok(format!("'{}'", value.replace('\'', "'\\''"))),
        Encoding::Redis => redis(value),
    }
}

/// RFC 4648, 4.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// What [`base64`] was made of.
#[must_use]
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

/// Also line breaks and tabs, which a parser takes for spaces in an attribute (XML 1.0, 3.3.3).
fn xml(value: &str) -> Result<String, Unquotable> {
    let legal = |c: char| !c.is_control() || "\t\n\r".contains(c);
    if !value.chars().all(legal) || value.contains(['\u{fffe}', '\u{ffff}']) {
        return Err(Unquotable {
            why: "XML cannot carry this character".to_owned(),
            help: "give it another value".to_owned(),
        });
    }
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// The longest password that every Redis reads (`CONFIG_AUTHPASS_MAX_LEN` until 6.0).
const REDIS_PASSWORD: usize = 512;

/// An empty password would open Redis to everybody.
fn redis(value: &str) -> Result<String, Unquotable> {
    if value.is_empty() || value.len() > REDIS_PASSWORD || value.contains('\0') {
        return Err(Unquotable {
            why: format!("Redis takes passwords of 1 to {REDIS_PASSWORD} bytes, none of them zero"),
            help: "give it another value".to_owned(),
        });
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    Ok(out)
}

fn url(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}
