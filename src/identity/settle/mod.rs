//! Facts to allotments: what the lock has stays, what is new is made by the mint.

mod authority;
mod leaves;

pub use leaves::leaf_request;
pub(super) use leaves::request_digest;

use std::collections::{BTreeMap, BTreeSet};

use super::digests::certificate_hex;
use super::given::{Given, GivenLeaf};
use super::lock::Lock;
use super::mint::{Held, Mint, Refusal};
use super::seen::leaf_words;
use super::state::State;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Facts, LeafKey, Schedule, SecretSource};
use crate::model::grid;
use crate::model::host::HostId;
use crate::model::settled::{IssuedLeaf, Settled};
use crate::model::value::Duration;
use crate::source::Span;

/// What came of it.
#[derive(Default)]
pub struct Allotted {
    pub settled: Settled,
    pub lock: Lock,
    /// Public certificates that were made now, by key (`ca`, `node1/csync2`).
    pub certificates: BTreeMap<String, String>,
}

/// What was allotted before, and for whom.
pub struct Before<'a> {
    /// The description's name, for commands that take it.
    pub description: &'a str,
    pub state: &'a State<'a>,
    pub lock: &'a Lock,
}

/// Allots everything that the facts ask for.
pub fn settle(
    facts: &Facts,
    inventory: &Inventory,
    given: &Given,
    before: &Before,
    mint: &mut dyn Mint,
    diagnostics: &mut Diagnostics,
) -> Allotted {
    let Before { description, state, lock } = *before;
    let mut run = Run {
        description,
        facts,
        inventory,
        state,
        old: lock,
        mint,
        diagnostics,
        out: Allotted::default(),
        chain: String::new(),
    };
    run.slots();
    run.secrets();
    run.leaves(given);
    run.given(given);
    run.out.lock.retire(lock.clone());
    run.out
}

struct Run<'a> {
    description: &'a str,
    facts: &'a Facts,
    inventory: &'a Inventory,
    state: &'a State<'a>,
    old: &'a Lock,
    mint: &'a mut dyn Mint,
    diagnostics: &'a mut Diagnostics,
    out: Allotted,
    /// The authorities between a leaf and the one that peers trust, PEM.
    chain: String,
}

impl Run<'_> {
    fn slots(&mut self) {
        for (key, schedule) in &self.facts.schedules {
            let room = usize::try_from(schedule.period).unwrap_or(usize::MAX);
            if schedule.members.len() > room {
                self.schedule_full(key, schedule);
                continue;
            }
            for (host, minute) in self.minutes(key, schedule) {
                self.out.settled.slots.insert((key.clone(), host), minute);
                let name = format!("{key}/{}", self.inventory.host(host).name);
                self.out.lock.active.slots.insert(name, minute);
            }
        }
    }

    fn schedule_full(&mut self, key: &str, schedule: &Schedule) {
        let count = schedule.members.len();
        let message = format!(
            "{count} members of `{key}` cannot each have a minute of their own in {}",
            crate::diag::counted(schedule.period as usize, "minute")
        );
        let help = match grid::least(count).map(|it| Duration::from_seconds(u64::from(it) * 60)) {
            Some(least) => {
                format!("{count} members need at least `every \"{least}\"`; or make smaller groups")
            }
            None => "a day has not so many minutes: make smaller groups".to_owned(),
        };
        self.diagnostics.push(
            Diagnostic::error(Code::ScheduleFull, message).at(schedule.origin.span, "").help(help),
        );
    }

    /// Minutes that were allotted stay where they fit; a new member gets the one that is
    /// farthest from all others, and one that was somebody's once only where no other is left.
    fn minutes(&self, key: &str, schedule: &Schedule) -> BTreeMap<HostId, u32> {
        let mut minutes: BTreeMap<HostId, u32> = BTreeMap::new();
        let mut taken: BTreeSet<u32> = BTreeSet::new();
        for host in &schedule.members {
            let name = format!("{key}/{}", self.inventory.host(*host).name);
            let old = self.old.slot(&name).filter(|it| *it < schedule.period);
            if let Some(minute) = old.filter(|it| taken.insert(*it)) {
                minutes.insert(*host, minute);
            }
        }
        let mut spoken_for = taken.clone();
        for lines in [&self.old.active, &self.old.retired] {
            // `0` is what comes behind `/`
            let of_schedule = lines.slots.range(format!("{key}/")..format!("{key}0"));
            // those of a longer period of before are nobody's now
            let within = of_schedule.filter(|(_, minute)| **minute < schedule.period);
            spoken_for.extend(within.map(|(_, minute)| *minute));
        }
        for host in &schedule.members {
            if minutes.contains_key(host) {
                continue;
            }
            let free = farthest(&spoken_for, schedule.period);
            if let Some(minute) = free.or_else(|| farthest(&taken, schedule.period)) {
                taken.insert(minute);
                spoken_for.insert(minute);
                minutes.insert(*host, minute);
            }
        }
        minutes
    }

    fn secrets(&mut self) {
        for (key, secret) in &self.facts.secrets {
            let known = self.old.secret(key).cloned();
            let digest = match (&secret.source, known) {
                (_, Some(digest)) => Some(digest),
                (SecretSource::Generate { length }, None) => match self.mint.secret(key, *length) {
                    Ok(digest) => Some(digest),
                    Err(refusal) => {
                        self.refused(&refusal, &format!("the secret `{key}`"), secret.origin.span);
                        None
                    }
                },
                (source, None) => {
                    let help = match source {
                        SecretSource::Born { host, .. } => {
                            let host = &self.inventory.host(*host).name;
                            format!(
                                "when its installer has run there: `apply.sh --bootstrap export` on `{host}`, then `clustergen import {host} FILE`"
                            )
                        }
                        _ => format!(
                            "`clustergen secrets set {} {key}` takes it in; until then it can be built and reviewed, but not applied",
                            self.description
                        ),
                    };
                    let message = format!("the secret `{key}` has no value yet");
                    let diagnostic = Diagnostic::warning(Code::SecretUnset, message);
                    self.diagnostics.push(diagnostic.at(secret.origin.span, "").help(help));
                    None
                }
            };
            if let Some(digest) = digest {
                self.out.settled.secrets.insert(key.clone(), digest[..8].to_owned());
                self.out.lock.active.secrets.insert(key.clone(), digest);
            }
        }
    }

    /// What somebody else signed: only whether its key is in the vault is left to see.
    fn given(&mut self, given: &Given) {
        self.out.settled.authorities.clone_from(&given.authorities);
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (key, leaf) in &given.leaves {
            if seen.insert(&leaf.key) {
                self.key_fits(key, leaf);
            }
            let key_digest = leaf.key_sha256[..8].to_owned();
            let (pem, der) = (leaf.pem.clone(), certificate_hex(&leaf.pem));
            let (key_of, words) = (leaf.key.clone(), leaf_words(&pem));
            let issued =
                IssuedLeaf { pem, key: key_of, key_digest, der, words, signs_itself: None };
            self.out.settled.leaves.insert(key.clone(), issued);
        }
    }

    fn key_fits(&mut self, key: &LeafKey, leaf: &GivenLeaf) {
        let name = &key.name;
        let diagnostic = match self.mint.held(&leaf.key, &leaf.key_sha256) {
            Ok(Held::Other) => Diagnostic::error(
                Code::KeyMismatch,
                format!("the certificate `{name}` is not one for the key in the vault"),
            )
            .help("have a new certificate signed for the key, or bring the key that belongs to this one"),
            // that a secret has no value is told with the secrets
            Ok(Held::Absent) if !leaf.told => Diagnostic::warning(
                Code::SecretUnset,
                format!("the key of the certificate `{name}` is not in the vault"),
            )
            .help("it can be built and reviewed without, but not applied: `clustergen certs csr` makes a key and the request for a certificate; one that you have is named by `key=(secret)\"…\"`"),
            Ok(_) => return,
            Err(Refusal::Vault(why)) => Diagnostic::error(Code::KeyMismatch, why)
                .help("it has to be PKCS#8, in PEM and without a passphrase: `openssl pkey -in old.key -out new.key`"),
            Err(Refusal::NoVault | Refusal::Closed | Refusal::NotBuilt) => return,
        };
        self.diagnostics.push(diagnostic.at(leaf.span, ""));
    }

    fn refused(&mut self, refusal: &Refusal, what: &str, span: Span) {
        self.diagnostics.push(refusal.told(what, span));
    }

    fn damaged(&mut self, file: &str, why: &str, span: Span) {
        let message = format!("`{file}` {why}");
        let help = "take the state folder from the last commit; to have a new one made, take its line out of the lock";
        let diagnostic = Diagnostic::error(Code::IdentityMismatch, message);
        self.diagnostics.push(diagnostic.at(span, "this shows it").help(help));
    }
}

/// The free minute with the greatest distance to all taken ones, around the clock; of several
/// the first.
fn farthest(taken: &BTreeSet<u32>, period: u32) -> Option<u32> {
    let distance = |minute: u32| {
        let below = taken.range(..minute).next_back().or_else(|| taken.last());
        let above = taken.range(minute..).next().or_else(|| taken.first());
        let around = |other: &u32| {
            let apart = minute.abs_diff(*other);
            apart.min(period - apart)
        };
        below.into_iter().chain(above).map(around).min().unwrap_or(period)
    };
    let free = (0..period).filter(|minute| !taken.contains(minute));
    free.max_by_key(|minute| (distance(*minute), period - minute))
}
