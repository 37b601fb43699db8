//! `did you mean`: the known word that is nearest to what was written.

use std::cmp::Reverse;

/// The nearest of `known`, when it is near enough to be a slip of the hand.
///
/// The distance counts insertions, deletions, replacements and swapped neighbours; a third of the
/// word may differ, so that short words do not match at random. Of several at one distance it is
/// the one that parts latest, and by the least step: releases differ at their end.
pub fn did_you_mean<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (written.chars().count().max(3) / 3).min(3);
    let written_chars: Vec<char> = written.chars().take(LENGTH).collect();
    known
        .into_iter()
        .filter(|word| *word != written)
        .filter_map(|word| {
            Some((distance(&written_chars, word, limit)?, parting(&written_chars, word), word))
        })
        .min()
        .map(|(.., word)| word)
}

/// How late two words part, the latest first, and how far apart the letters are there.
fn parting(a: &[char], b: &str) -> (Reverse<usize>, u32) {
    let same = a.iter().zip(b.chars()).take_while(|(a, b)| **a == *b).count();
    let gap = match (a.get(same), b.chars().nth(same)) {
        (Some(a), Some(b)) => u32::from(*a).abs_diff(u32::from(b)),
        _ => 0,
    };
    (Reverse(same), gap)
}

/// What to do about an unknown word: the question whether the nearest is meant, or something else
/// where none is near.
pub fn suggestion<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    match did_you_mean(written, known) {
        Some(word) => format!("did you mean `{word}`?"),
        None => otherwise(),
    }
}

/// How much of a word is looked at.
const LENGTH: usize = 64;

/// `None` where it is more than `limit`, told as early as it can be: ten thousand hosts may be
/// held against a thousand names that are all wrong.
fn distance(a: &[char], b: &str, limit: usize) -> Option<usize> {
    let b: Vec<char> = b.chars().take(LENGTH).collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = vec![0; b.len() + 1];
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row[j] = best;
        }
        // no later row has less than the least of this one
        if row.iter().all(|it| *it > limit) {
            return None;
        }
        (before, last, row) = (last, row, before);
    }
    Some(last[b.len()]).filter(|it| *it <= limit)
}
