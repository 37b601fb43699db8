//! Facts to allotments: what the lock has stays, what is new is made by the mint.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::chain::{Chain, same_signer};
use super::given::{Given, GivenLeaf};
use super::lock::{CertificateLine, CrlLine, Lock};
use super::mint::{Held, LeafRequest, Mint, Refusal, Signer};
use super::revoked;
use super::seen::seen;
use super::signer::GivenSigner;
use super::state::State;
use super::vault::{certificate_hex, hex, pem_digest};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{CertificateSource, Facts, Leaf, LeafKey, Schedule, SecretSource, Usage};
use crate::model::grid;
use crate::model::host::HostId;
use crate::model::key_type::KeyType;
use crate::model::settled::{IssuedLeaf, Settled};
use crate::model::value::Duration;
use crate::source::{Span, Spanned};

/// What came of it.
#[derive(Default)]
pub struct Allotted {
    pub settled: Settled,
    pub lock: Lock,
    /// Public certificates that were made now, by key (`ca`, `node1/csync2`).
    pub certificates: BTreeMap<String, String>,
}

/// Allots everything that the facts ask for.
pub fn settle(
    facts: &Facts,
    inventory: &Inventory,
    given: &Given,
    state: &State,
    lock: &Lock,
    mint: &mut dyn Mint,
    diagnostics: &mut Diagnostics,
) -> Allotted {
    let mut run = Run {
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
            spoken_for.extend(of_schedule.map(|(_, minute)| *minute));
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
                            "`clustergen secrets set {key}` takes it in; until then it can be built and reviewed, but not applied"
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

    /// What the cluster's authority signs.
    fn leaves(&mut self, given: &Given) {
        let certificates = &self.facts.certificates;
        let ours = |key: &LeafKey| {
            let named = certificates.get(&key.name);
            named.is_none_or(|it| it.source == CertificateSource::ClusterCa)
        };
        let leaves = self.facts.leaves.iter().filter(|(key, _)| ours(key));
        let leaves: Vec<(&LeafKey, &Leaf)> = leaves.collect();
        let Some((key, first)) = leaves.first().copied() else { return };
        let Some((signer, stays)) = self.signer(given.signer.as_ref(), first.origin.span) else {
            return;
        };
        let known = signer.known.clone();
        self.chain = known.as_deref().map_or_else(String::new, |pem| top(pem).0);
        let mut requests: Vec<(LeafKey, LeafRequest, Span)> = Vec::new();
        for (key, leaf) in leaves {
            let request = self.request(key, leaf);
            if !(stays && self.kept(key, leaf, &request)) {
                requests.push((key.clone(), request, leaf.origin.span));
            }
        }
        let sha256 = given.signer.as_ref().map(|it| &it.sha256).or(self.old.authority.as_ref());
        let authority = match (&known, requests.is_empty(), sha256) {
            (Some(pem), true, Some(sha256)) => Ok((pem.clone(), sha256.clone())),
            _ => self.mint.authority(&signer),
        };
        let (pem, made) = match authority {
            Ok(made) => made,
            Err(refusal) => {
                let what = format!("a certificate for `{}`", self.inventory.host(key.host).name);
                self.refused(&refusal, &what, first.origin.span);
                return;
            }
        };
        let sha256 = sha256.cloned().unwrap_or(made);
        if self.old.authority.as_ref() != Some(&sha256) {
            self.out.certificates.insert("ca".to_owned(), pem.clone());
        }
        self.out.settled.authority = Some(top(&pem).1.into());
        self.out.lock.authority = Some(sha256);
        self.issue(&requests);
        if stays {
            self.revoked(&signer, first.origin.span);
        }
    }

    /// Who signs, and whether what was signed before stays; `None` where that cannot be seen.
    fn signer(&mut self, given: Option<&GivenSigner>, span: Span) -> Option<(Signer, bool)> {
        let cluster = &self.inventory.cluster;
        let key_type = cluster.authority.key_type.as_ref();
        let mut signer = Signer {
            known: None,
            secret: None,
            cluster: cluster.name.clone(),
            key_type: key_type.map_or_else(KeyType::default, |it| it.value),
        };
        let old = match &self.old.authority {
            Some(sha256) if given.is_none_or(|it| it.sha256 != *sha256) => {
                Some(self.named("ca", sha256, span)?)
            }
            _ => None,
        };
        let Some(given) = given else {
            if let (Some(pem), Some(wanted)) = (&old, key_type) {
                self.same_kind(pem, wanted);
            }
            signer.known = old;
            return Some((signer, true));
        };
        signer.known = Some(given.pem.clone());
        signer.secret.clone_from(&given.secret);
        let Some(old) = old else { return Some((signer, true)) };
        let stays = same_signer(&given.pem, &old);
        if !(stays && same_signer(&top(&given.pem).1, &top(&old).1)) {
            let message = "hosts are verified by another authority from now on";
            let help = "apply to all hosts in one go: those that have the new bundle and those that do not refuse each other";
            let diagnostic = Diagnostic::warning(Code::AuthorityChanges, message);
            self.diagnostics.push(diagnostic.at(given.span, "").help(help));
        }
        Some((signer, stays))
    }

    /// What the authority has revoked; its list is made anew where there are others in it now.
    fn revoked(&mut self, signer: &Signer, span: Span) {
        let revoked = &self.old.revoked;
        if revoked.is_empty() {
            return;
        }
        self.out.lock.revoked.clone_from(revoked);
        let of = revoked::digest(revoked);
        if let Some(line) = self.old.crl.clone().filter(|it| it.of == of) {
            self.out.settled.crl = self.named("ca.crl", &line.sha256, span).map(Into::into);
            self.out.lock.crl = Some(line);
            return;
        }
        let made = self.mint.authority(signer).and_then(|_| self.mint.crl(revoked));
        match made {
            Ok(pem) => {
                let sha256 = pem_digest(&pem).unwrap_or_else(|| "0".repeat(64));
                self.out.lock.crl = Some(CrlLine { of, sha256 });
                self.out.certificates.insert("ca.crl".to_owned(), pem.clone());
                self.out.settled.crl = Some(pem.into());
            }
            Err(refusal) => self.refused(&refusal, "the list of revoked certificates", span),
        }
    }

    /// An authority that was made is of the kind that it is.
    fn same_kind(&mut self, pem: &str, wanted: &Spanned<KeyType>) {
        let kinds = seen(pem);
        let Some(kind) = kinds.first().map(|it| &it.kind) else { return };
        if kind != wanted.value.word() {
            let message = format!("the authority is made already, with a key of {kind}");
            let help = "write that kind; `docs/decisions.md` says what a new authority takes";
            let diagnostic = Diagnostic::error(Code::IdentityMismatch, message);
            self.diagnostics.push(diagnostic.at(wanted.span, "").help(help));
        }
    }

    fn request(&self, key: &LeafKey, leaf: &Leaf) -> LeafRequest {
        LeafRequest {
            key: format!("{}/{}", self.inventory.host(key.host).name, key.name),
            names: leaf.names.clone(),
            addresses: leaf.addresses.clone(),
            usage: leaf.usage,
            validity: leaf.validity,
            key_type: leaf.key_type,
        }
    }

    /// Whether the lock has a certificate for the same request, and the certificate is there.
    fn kept(&mut self, key: &LeafKey, leaf: &Leaf, request: &LeafRequest) -> bool {
        let Some(line) = self.old.certificate(&request.key) else { return false };
        if line.request != request_digest(request) {
            return false;
        }
        if let Some(pem) = self.named(&request.key, &line.sha256, leaf.origin.span) {
            self.issued(key, request, pem, line.clone());
        }
        true
    }

    /// A certificate that the lock names, told where it is not there.
    fn named(&mut self, key: &str, sha256: &str, span: Span) -> Option<String> {
        let fits = |pem: &String| pem_digest(pem).is_some_and(|found| found == sha256);
        let found = self.state.certificate(key);
        let lies = found.is_some();
        if let Some(pem) = found.filter(fits) {
            return Some(pem);
        }
        if let Some(pem) = self.state.waiting(key).filter(fits) {
            self.out.certificates.insert(key.to_owned(), pem.clone());
            return Some(pem);
        }
        let why = if lies { "is not the one that the lock names" } else { "is not there" };
        self.damaged(&format!("certs/{key}.pem"), why, span);
        None
    }

    fn issue(&mut self, wanted: &[(LeafKey, LeafRequest, Span)]) {
        let requests: Vec<LeafRequest> = wanted.iter().map(|(_, it, _)| it.clone()).collect();
        let leaves = match self.mint.leaves(&requests) {
            Ok(leaves) => leaves,
            Err(refusal) => {
                for (_, request, span) in wanted {
                    self.refused(&refusal, &format!("the certificate `{}`", request.key), *span);
                }
                return;
            }
        };
        for ((key, request, span), leaf) in wanted.iter().zip(leaves) {
            if leaf.cut {
                self.cut(request, &leaf.until, *span);
            }
            let line = CertificateLine {
                request: request_digest(request),
                key: leaf.key_sha256[..8].to_owned(),
                sha256: leaf.sha256,
                until: leaf.until,
            };
            self.out.certificates.insert(request.key.clone(), leaf.pem.clone());
            self.issued(key, request, leaf.pem, line);
        }
    }

    /// What outlived its authority would not be believed: it ends with it, and is told.
    fn cut(&mut self, request: &LeafRequest, until: &str, span: Span) {
        let message = format!("`{}` ends with the cluster's authority, on {until}", request.key);
        let help = "plan for a new authority in time, or ask for a shorter `validity`";
        let diagnostic = Diagnostic::warning(Code::AuthorityEnds, message);
        self.diagnostics.push(diagnostic.at(span, "this shows it").help(help));
    }

    fn issued(&mut self, key: &LeafKey, request: &LeafRequest, pem: String, line: CertificateLine) {
        let (private, key_digest) = (format!("key/{}", request.key), line.key.clone());
        let der = certificate_hex(&pem);
        let pem = pem + &self.chain;
        let issued = IssuedLeaf { pem, key: private, key_digest, der };
        self.out.settled.leaves.insert(key.clone(), issued);
        self.out.lock.active.certificates.insert(request.key.clone(), line);
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
            let issued = IssuedLeaf { pem, key: leaf.key.clone(), key_digest, der };
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
            Err(Refusal::NoVault | Refusal::Closed) => return,
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

/// The certificates below the last one, and the last one, which is what peers trust.
fn top(pem: &str) -> (String, String) {
    match Chain::read(pem) {
        Ok(chain) => chain.split_top(),
        // a rehearsal's
        Err(_) => (String::new(), pem.to_owned()),
    }
}

/// Eight digits of everything that a certificate is asked to say.
fn request_digest(request: &LeafRequest) -> String {
    let usage = match request.usage {
        Usage::Server => "server",
        Usage::Peer => "peer",
    };
    let names: Vec<&str> = request.names.iter().map(String::as_str).collect();
    let addresses: Vec<String> = request.addresses.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "{usage}\n{}\n{}\n{}",
        names.join(" "),
        addresses.join(" "),
        request.validity.seconds()
    );
    // locks of old have certificates of the default kind
    if request.key_type != KeyType::default() {
        text.push('\n');
        text.push_str(request.key_type.word());
    }
    hex(&Sha256::digest(text.as_bytes()))[..8].to_owned()
}
