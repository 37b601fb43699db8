//! What was replaced in the vault stays in it, beside its successor, under its own digest:
//! `vault/keys/node1/csync2.key.1a2b3c4d`. A lock that is reverted names it again.

use super::safe::ENCRYPTED;

/// How many digits of a digest tell values apart; lock and tokens show as many.
const DIGITS: usize = 8;

/// Where a value of this digest lies once another one has its name.
pub(super) fn old_name(name: &str, digest: &str) -> String {
    format!("{name}.{}", &digest[..DIGITS])
}

/// Whether a name is one of these. Labels have no dots, so nothing else is called so.
#[must_use]
pub fn is_old(name: &str) -> bool {
    let digits = |it: &str| it.len() == DIGITS && it.bytes().all(|b| b.is_ascii_hexdigit());
    let name = name.strip_suffix(ENCRYPTED).unwrap_or(name);
    name.rsplit_once('.').is_some_and(|(_, digest)| digits(digest))
}
