//! Private keys that somebody wrote into a description are not told with its faults: what is printed
//! ends up in logs of CI and in mails.

use std::collections::BTreeSet;

use crate::source::Sources;

/// So many characters in a row of a key are not printed; fewer give nothing away.
const SHORTEST: usize = 12;

/// What begins a private key in PEM, behind its kind, and what each line of that kind has.
const PEM: &str = "PRIVATE KEY-----";
const RULE: &str = "-----";

/// What begins an identity of age.
const AGE: &str = "AGE-SECRET-KEY-1";

/// A text in which dots stand for each part of a key that is in a source.
pub(super) fn hidden(text: String, sources: &Sources) -> String {
    let parts: BTreeSet<&[u8]> = sources.texts().flat_map(bodies).flat_map(parts).collect();
    if parts.is_empty() {
        return text;
    }
    let mut hide = vec![false; text.len()];
    for (at, part) in text.as_bytes().windows(SHORTEST).enumerate() {
        if parts.contains(part) {
            hide[at..at + SHORTEST].fill(true);
        }
    }
    text.char_indices().map(|(at, c)| if hide[at] { '·' } else { c }).collect()
}

/// What makes keys private, each up to its end.
fn bodies(text: &str) -> Vec<&str> {
    let behind = |(at, begin): (usize, &str)| (&text[..at], &text[at + begin.len()..]);
    // the last line of a key has the words of the first one
    let begins = |before: &str| before.rsplit(RULE).next().is_some_and(|it| !it.starts_with("END"));
    let pem = text.match_indices(PEM).map(behind).filter(|(before, _)| begins(before));
    let pem = pem.filter_map(|(_, rest)| rest.split(RULE).next());
    let age = text.match_indices(AGE).map(behind);
    let age = age.filter_map(|(_, rest)| rest.split(|c: char| !c.is_ascii_alphanumeric()).next());
    pem.chain(age).collect()
}

/// All of so many characters in a row of Base64.
fn parts(body: &str) -> impl Iterator<Item = &[u8]> {
    let digit = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let runs = body.split(move |c| !digit(c));
    runs.flat_map(|run| run.as_bytes().windows(SHORTEST))
}
