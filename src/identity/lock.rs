//! The lock: one sorted line per allotment, in a format that merges and reviews well.
//!
//! In and out: text. A line is a kind, a key, and values: `slot csync2[idp]/node1 0`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Sources, Span, offset};

/// What was allotted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lock {
    /// SHA-256 of the authority's certificate.
    pub authority: Option<String>,
    /// The authority's list of what it has revoked.
    pub crl: Option<CrlLine>,
    /// Serial numbers of certificates of the authority that nobody may believe any more, and the
    /// day from which on.
    pub revoked: BTreeMap<String, String>,
    /// What the description asks for.
    pub active: Lines,
    /// What it asked for once: kept, so that it comes back as it was and is given to nobody else.
    pub retired: Lines,
    /// Host → its secrets, sealed. A blob of a host that is gone is of no use to anybody.
    pub seals: BTreeMap<String, SealLine>,
}

/// Sealed secrets as the lock knows them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealLine {
    /// Eight digits of what is sealed and for whom.
    pub request: String,
    /// The SHA-256 of the blob.
    pub sha256: String,
    /// By what the vault knows that it was sealed with it; locks of old have none.
    pub mac: Option<String>,
}

/// What is done to a lock beside what a description asks for.
#[derive(Default)]
pub struct Change {
    /// Certificates, by key.
    pub forget: BTreeSet<String>,
    /// Serial numbers, and a day.
    pub revoke: BTreeMap<String, String>,
}

/// Allotments by key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lines {
    /// `node1/csync2` → what was issued.
    pub certificates: BTreeMap<String, CertificateLine>,
    /// `csync2[idp]/key` → the keyed digest of its value.
    pub secrets: BTreeMap<String, String>,
    /// `csync2[idp]/node1` → the minute within the period.
    pub slots: BTreeMap<String, u32>,
}

/// A list of revoked certificates, as the lock knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrlLine {
    /// Eight digits of the serial numbers in it: others mean another list.
    pub of: String,
    /// The SHA-256 of the list.
    pub sha256: String,
}

/// A certificate as the lock knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateLine {
    /// Eight digits of what was asked for: another request means another certificate.
    pub request: String,
    /// Eight digits of the public key's SHA-256.
    pub key: String,
    /// The SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` has it.
    pub sha256: String,
    /// The day on which it ends.
    pub until: String,
    /// Whether it was somebody else's before, and stays whatever is asked for.
    pub adopted: bool,
}

impl Lock {
    /// The text of the lock.
    #[must_use]
    pub fn print(&self, description: &str) -> String {
        let mut out = format!(
            "# What was allotted once for {description}, and stays. Commit this file; do not edit it.\n\
             # After a merge keep the lines of both sides; what contradicts is told by the next build.\n"
        );
        if let Some(sha256) = &self.authority {
            let _ = writeln!(out, "authority sha256={sha256}");
        }
        if let Some(CrlLine { of, sha256 }) = &self.crl {
            let _ = writeln!(out, "crl of={of} sha256={sha256}");
        }
        for (serial, day) in &self.revoked {
            let _ = writeln!(out, "revoked {serial} {day}");
        }
        self.active.print("", &mut out);
        self.retired.print("retired ", &mut out);
        for (host, SealLine { request, sha256, mac }) in &self.seals {
            let mac = mac.as_ref().map(|it| format!(" mac={it}")).unwrap_or_default();
            let _ = writeln!(out, "sealed {host} request={request} sha256={sha256}{mac}");
        }
        out
    }

    /// What was issued for a key, now or once.
    #[must_use]
    pub fn certificate(&self, key: &str) -> Option<&CertificateLine> {
        self.active.certificates.get(key).or_else(|| self.retired.certificates.get(key))
    }

    /// The digest of a secret, of now or once.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<&String> {
        self.active.secrets.get(key).or_else(|| self.retired.secrets.get(key))
    }

    /// The minute of a member, of now or once.
    #[must_use]
    pub fn slot(&self, key: &str) -> Option<u32> {
        self.active.slots.get(key).or_else(|| self.retired.slots.get(key)).copied()
    }

    /// Takes over from `old` what is asked for no more. A slot that had to be given to somebody
    /// else is forgotten: minutes are few.
    pub fn retire(&mut self, old: Self) {
        fn rest<T>(
            now: &BTreeMap<String, T>,
            old: BTreeMap<String, T>,
        ) -> impl Iterator<Item = (String, T)> {
            old.into_iter().filter(|(key, _)| !now.contains_key(key))
        }
        if self.authority.is_none() {
            (self.authority, self.crl, self.revoked) = (old.authority, old.crl, old.revoked);
        }
        self.seals = old.seals;
        let given: BTreeSet<(String, u32)> = self
            .active
            .slots
            .iter()
            .map(|(key, minute)| (group(key).to_owned(), *minute))
            .collect();
        for lines in [old.retired, old.active] {
            self.retired.certificates.extend(rest(&self.active.certificates, lines.certificates));
            self.retired.secrets.extend(rest(&self.active.secrets, lines.secrets));
            let slots = rest(&self.active.slots, lines.slots);
            self.retired
                .slots
                .extend(slots.filter(|(key, at)| !given.contains(&(group(key).to_owned(), *at))));
        }
    }

    /// Takes a certificate over that somebody else made.
    pub fn adopt(&mut self, key: &str, line: CertificateLine) {
        self.retired.certificates.remove(key);
        self.active.certificates.insert(key.to_owned(), line);
    }

    /// Forgets certificates, so that they are made anew; some of them are revoked.
    pub fn change(&mut self, change: &Change) {
        for lines in [&mut self.active, &mut self.retired] {
            lines.certificates.retain(|key, _| !change.forget.contains(key));
        }
        for (serial, day) in &change.revoke {
            self.revoked.entry(serial.clone()).or_insert_with(|| day.clone());
        }
    }

    /// Whether everything that `other` says is said here too.
    fn holds(&self, other: &Self) -> bool {
        (other.authority.is_none() || other.authority == self.authority)
            && (other.crl.is_none() || other.crl == self.crl)
            && other.revoked.iter().all(|(serial, day)| self.revoked.get(serial) == Some(day))
            && self.active.hold(&other.active)
            && self.retired.hold(&other.retired)
            && within(&self.seals, &other.seals)
    }

    /// Reads a lock. Every line that is not right is told, with its place.
    pub fn parse(sources: &Sources, file: FileId, diagnostics: &mut Diagnostics) -> Self {
        let mut reader = Reader { lock: Self::default(), seen: BTreeMap::new(), diagnostics };
        let mut start = 0;
        for line in sources.file(file).text.split_inclusive('\n') {
            let text = line.trim_end_matches(['\n', '\r']);
            let end = start + text.len();
            reader.line(text, Span { file, start: offset(start), end: offset(end) });
            start += line.len();
        }
        reader.slots_differ();
        reader.lock
    }
}

impl Lines {
    fn print(&self, prefix: &str, out: &mut String) {
        for (key, line) in &self.certificates {
            let CertificateLine { request, key: public, sha256, until, adopted } = line;
            let adopted = if *adopted { " adopted" } else { "" };
            let _ = writeln!(
                out,
                "{prefix}certificate {key} request={request} key={public} sha256={sha256} until={until}{adopted}"
            );
        }
        for (key, digest) in &self.secrets {
            let _ = writeln!(out, "{prefix}secret {key} {digest}");
        }
        for (key, minute) in &self.slots {
            let _ = writeln!(out, "{prefix}slot {key} {minute}");
        }
    }

    fn hold(&self, other: &Self) -> bool {
        within(&self.certificates, &other.certificates)
            && within(&self.secrets, &other.secrets)
            && within(&self.slots, &other.slots)
    }
}

fn within<T: PartialEq>(all: &BTreeMap<String, T>, some: &BTreeMap<String, T>) -> bool {
    some.iter().all(|(key, value)| all.get(key) == Some(value))
}

/// The schedule of a slot's key: `csync2[idp]` of `csync2[idp]/node1`.
fn group(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(group, _)| group)
}

const TWO_LINES: &str = "keep the line of the branch whose bundles are applied; the other branch's hosts get theirs with the next build";

const TWO_CLUSTERS: &str = "both branches had a first build, so these are two clusters: take the whole state folder, and the vault, of the one whose bundles are applied";

struct Reader<'a> {
    lock: Lock,
    seen: BTreeMap<String, Span>,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn line(&mut self, text: &str, span: Span) {
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| text.starts_with(mark)) {
            let help = "keep the lines of both sides and delete the marks";
            let message = "a merge of the lock is not finished";
            self.diagnostics
                .push(Diagnostic::error(Code::LockDamaged, message).at(span, "").help(help));
            return;
        }
        let words: Vec<&str> = text.split(' ').collect();
        // an allotment is active or retired, never both
        let named = words.strip_prefix(&["retired"]).unwrap_or(&words);
        let (names, help) = match named {
            ["authority", ..] => (1, TWO_CLUSTERS),
            _ => (2, TWO_LINES),
        };
        let name = named[..named.len().min(names)].join(" ");
        match self.seen.get(&name) {
            Some(_) if self.already(&words) => return,
            Some(first) => {
                let first = *first;
                let message = format!("the lock has two lines for `{name}`");
                self.diagnostics.push(
                    Diagnostic::error(Code::LockConflict, message)
                        .at(span, "the second one")
                        .at(first, "the first one")
                        .help(help),
                );
                return;
            }
            None => {}
        }
        if self.take(&words).is_none() {
            let message = "this line of the lock cannot be read";
            let help = "take the file from the last commit: `git checkout -- lock`";
            self.diagnostics
                .push(Diagnostic::error(Code::LockDamaged, message).at(span, "").help(help));
            return;
        }
        self.seen.insert(name, span);
    }

    /// Whether a line says again what is known.
    fn already(&self, words: &[&str]) -> bool {
        let mut other = Reader {
            lock: Lock::default(),
            seen: BTreeMap::new(),
            diagnostics: &mut Diagnostics::default(),
        };
        other.take(words).is_some() && self.lock.holds(&other.lock)
    }

    fn take(&mut self, words: &[&str]) -> Option<()> {
        let (words, lines) = match words {
            ["authority", sha256] => {
                self.lock.authority = Some(hex(sha256.strip_prefix("sha256=")?, 64)?);
                return Some(());
            }
            ["sealed", host, request, sha256, mac @ ..] => {
                let line = SealLine {
                    request: hex(request.strip_prefix("request=")?, 8)?,
                    sha256: hex(sha256.strip_prefix("sha256=")?, 64)?,
                    mac: match mac {
                        [] => None,
                        [mac] => Some(hex(mac.strip_prefix("mac=")?, 32)?),
                        _ => return None,
                    },
                };
                self.lock.seals.insert(safe(host)?, line);
                return Some(());
            }
            ["crl", of, sha256] => {
                self.lock.crl = Some(CrlLine {
                    of: hex(of.strip_prefix("of=")?, 8)?,
                    sha256: hex(sha256.strip_prefix("sha256=")?, 64)?,
                });
                return Some(());
            }
            ["revoked", serial, since] => {
                let serial = hex(serial, serial.len())?;
                let bytes = serial.len() / 2;
                if !serial.len().is_multiple_of(2) || !(1..=20).contains(&bytes) {
                    return None;
                }
                self.lock.revoked.insert(serial, day(since)?);
                return Some(());
            }
            ["retired", words @ ..] => (words, &mut self.lock.retired),
            words => (words, &mut self.lock.active),
        };
        match words {
            ["certificate", key, request, public, sha256, until, adopted @ ..] => {
                if !matches!(adopted, [] | ["adopted"]) {
                    return None;
                }
                let line = CertificateLine {
                    request: hex(request.strip_prefix("request=")?, 8)?,
                    key: hex(public.strip_prefix("key=")?, 8)?,
                    sha256: hex(sha256.strip_prefix("sha256=")?, 64)?,
                    until: day(until.strip_prefix("until=")?)?,
                    adopted: !adopted.is_empty(),
                };
                lines.certificates.insert(safe(key)?, line);
            }
            ["secret", key, digest] => {
                lines.secrets.insert(safe(key)?, hex(digest, 32)?);
            }
            ["slot", key, minute] => {
                lines.slots.insert(safe(key)?, minute.parse().ok().filter(|it| *it < 1440)?);
            }
            _ => return None,
        }
        Some(())
    }

    /// Two branches may have given one minute to two hosts.
    fn slots_differ(&mut self) {
        let mut taken: BTreeMap<(String, u32), String> = BTreeMap::new();
        for (key, minute) in &self.lock.active.slots {
            let Some(other) = taken.insert((group(key).to_owned(), *minute), key.clone()) else {
                continue;
            };
            let place = |key: &str| self.seen.get(&format!("slot {key}")).copied();
            let (Some(second), Some(first)) = (place(key), place(&other)) else { continue };
            let message = format!("`{other}` and `{key}` have one slot");
            self.diagnostics.push(
                Diagnostic::error(Code::LockConflict, message)
                    .at(second, "the second one")
                    .at(first, "the first one")
                    .help("delete the line of the host that is newer; the next build gives it a slot of its own"),
            );
        }
    }
}

fn hex(text: &str, length: usize) -> Option<String> {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (digits && text.len() == length).then(|| text.to_owned())
}

fn day(text: &str) -> Option<String> {
    let shape =
        |(at, b): (usize, u8)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() };
    (text.len() == 10 && text.bytes().enumerate().all(shape)).then(|| text.to_owned())
}

/// A key becomes a path: nothing in it may leave the folder.
fn safe(key: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.[]".contains(c);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(legal);
    key.split('/').all(part).then(|| key.to_owned())
}
