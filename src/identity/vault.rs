//! The vault: the authority's key, private keys, drawn secrets, and the key of the digests.
//!
//! In: the state folder. Out: certificates and digests, and pending writes. Private keys and
//! values never leave it but in those writes, and by [`values`](super::values). Not here: what
//! certificates say (see `forms`).

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rcgen::{Issuer, KeyPair};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::adopt::Pair;
use super::belongs::belongs;
use super::chain::names_issuer;
use super::crypt::Recipient;
use super::digests::{certificate_digests, digest_key, hex, keyed_digest};
use super::forms;
use super::keys::{self, key_pair, public_digest};
use super::mint::{Held, LeafRequest, Mint, NewLeaf, Refusal, Signer, broken};
use super::names::{
    AUTHORITY_KEY, DIGEST_KEY, OWN_KEY, key_name, old_name, private_name, secret_name,
};
use super::random::{draw, entropy};
use super::revoked;
use super::safe::{Keep, Safe, as_kept, recipients_file};
use super::seen::end_of;
use super::stamp::Stamp;
use crate::model::key_type::KeyType;

/// The vault of one state folder.
pub struct Vault<'a> {
    safe: Safe<'a>,
    now: OffsetDateTime,
    pending: BTreeMap<String, Zeroizing<Vec<u8>>>,
    authority: Option<(String, String)>,
    /// Where its key lies.
    authority_key: String,
    /// Leaves that get a new key, though there is one.
    replaced: BTreeSet<String>,
    /// Whether requests are made with new keys.
    anew: bool,
}

type Made<T> = Result<T, Refusal>;

impl<'a> Vault<'a> {
    /// `now` dates what is made; nothing else in clustergen knows the time.
    pub fn new(safe: Safe<'a>, now: OffsetDateTime) -> Self {
        Self {
            safe,
            now,
            pending: BTreeMap::new(),
            authority: None,
            authority_key: AUTHORITY_KEY.to_owned(),
            replaced: BTreeSet::new(),
            anew: false,
        }
    }

    /// Has these leaves get new keys; the ones that they have stay beside them.
    pub fn replace_keys(&mut self, keys: BTreeSet<String>) {
        self.replaced = keys;
    }

    /// Has requests be made with new keys; those that are there stay beside them.
    pub fn request_anew(&mut self) {
        self.anew = true;
    }

    /// Whether a private key is there, now or from before it was replaced, by the SHA-256 of its
    /// public one.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn has(&self, secret: &str, public: &str) -> Made<bool> {
        Ok(self.held(secret, public)? == Held::Fits)
    }

    /// What has to be written before anything that names it, as it is to lie there.
    ///
    /// # Errors
    /// It cannot be encrypted.
    pub fn into_writes(
        self,
        recipients: &[Recipient],
    ) -> Made<BTreeMap<String, Zeroizing<Vec<u8>>>> {
        // what is encrypted stays so: a plain file would lie beside an old one that is read first
        let kept_for = self.safe.recipients();
        let kept_for = kept_for.iter().filter_map(|it| Recipient::parse(it).ok());
        let recipients = match recipients {
            [] => &kept_for.collect::<Vec<_>>(),
            named => named,
        };
        let holds = !self.pending.is_empty() || self.safe.is_there();
        let begins = holds && !recipients.is_empty() && self.safe.lacks_recipients();
        let mut kept = as_kept(self.pending, recipients)?;
        kept.extend(begins.then(|| recipients_file(recipients)));
        Ok(kept)
    }

    fn key(&self, name: &str) -> Made<Option<KeyPair>> {
        self.read(name)?.map(|pem| key_pair(name, &pem)).transpose()
    }

    /// Where the key of a public one lies, which is named by its digest: under its name, or beside
    /// it where it was replaced.
    fn lying(&self, name: &str, public: &str) -> Made<Option<String>> {
        for name in [name.to_owned(), old_name(name, public)] {
            if self.key(&name)?.is_some_and(|it| public_digest(&it) == public) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// By what it knows again what is sealed with it.
    ///
    /// # Errors
    /// It is of another cluster than the lock, or cannot be read.
    pub fn stamp(&mut self) -> Made<Stamp> {
        belongs(self.safe)?;
        self.digest_key()?;
        Stamp::read(self)
    }

    fn digest_key(&mut self) -> Made<Zeroizing<Vec<u8>>> {
        if let Some(hex) = self.read(DIGEST_KEY)? {
            return digest_key(&hex);
        }
        let mut key = Zeroizing::new(vec![0; 32]);
        entropy(&mut key)?;
        let text = Zeroizing::new(format!("{}\n", hex(&key)).into_bytes());
        self.pending.insert(DIGEST_KEY.to_owned(), text);
        Ok(key)
    }

    /// Takes a new key up; another one that has its name stays beside it.
    fn keep(&mut self, name: String, key: Zeroizing<Vec<u8>>) -> Made<()> {
        if let Some(old) = self.read(&name)? {
            let digest = public_digest(&key_pair(&name, &old)?);
            self.pending.insert(old_name(&name, &digest), old);
        }
        self.pending.insert(name, key);
        Ok(())
    }

    /// Takes a secret's value in; another one that it had stays beside it. Its keyed digest.
    ///
    /// # Errors
    /// What is there cannot be read.
    pub fn set_secret(&mut self, key: &str, value: Zeroizing<Vec<u8>>) -> Made<String> {
        belongs(self.safe)?;
        let digest_key = self.digest_key()?;
        let name = secret_name(key);
        let old = self.read(&name)?.filter(|old| *old != value);
        if let Some(old) = old {
            let digest = keyed_digest(&digest_key, key, &old)?;
            self.pending.insert(old_name(&name, &digest), old);
        }
        let digest = keyed_digest(&digest_key, key, &value)?;
        self.pending.insert(name, value);
        Ok(digest)
    }

    /// Takes a key in that a host has already; another one that has its name stays beside it.
    ///
    /// # Errors
    /// What is there cannot be read.
    pub fn adopt(&mut self, key: &str, pair: &Pair) -> Made<()> {
        belongs(self.safe)?;
        let name = key_name(key);
        if self.read(&name)?.is_some_and(|old| *old == *pair.key) {
            return Ok(());
        }
        self.keep(name, pair.key.clone())
    }

    /// Draws a secret's value anew.
    ///
    /// # Errors
    /// There are no random numbers, or what is there cannot be read.
    pub fn draw_secret(&mut self, key: &str, length: usize) -> Made<String> {
        self.set_secret(key, draw(length)?)
    }

    /// The authority, and when it ends.
    fn issuer<'p>(&self, pem: &'p str) -> Made<(Issuer<'p, KeyPair>, OffsetDateTime)> {
        let key = self.key(&self.authority_key)?.ok_or_else(|| self.no_authority())?;
        let issuer = Issuer::from_ca_cert_pem(pem, key).map_err(|error| forms::said(&error))?;
        let end = end_of(pem).ok_or_else(|| broken("certs/ca.pem", "it is no certificate"))?;
        if end <= self.now {
            let why = format!(
                "the cluster's authority ended on {}: nobody believes what it signs",
                end.date()
            );
            return Err(Refusal::Vault(why));
        }
        Ok((issuer, end))
    }

    /// The start of today, so that a peer's clock may be behind.
    fn today(&self) -> OffsetDateTime {
        self.now.to_offset(time::UtcOffset::UTC).replace_time(time::Time::MIDNIGHT)
    }

    /// Signs with the authority, several at once.
    fn sign(&self, requests: &[LeafRequest], pem: &str) -> Made<Vec<(NewLeaf, Option<KeyPair>)>> {
        let ((issuer, end), today) = (self.issuer(pem)?, self.today());
        let known: Vec<Option<KeyPair>> = requests
            .iter()
            .map(|request| {
                let replaced = self.replaced.contains(&request.key);
                if replaced { Ok(None) } else { self.key(&key_name(&request.key)) }
            })
            .collect::<Made<_>>()?;
        let work = requests.par_iter().zip(known);
        // collected whole and then looked through in order: which error is told must not depend
        // on which thread was faster
        let all: Vec<Made<(NewLeaf, Option<KeyPair>)>> = work
            .map(|(request, known)| forms::leaf(request, known, &issuer, (today, end)))
            .collect();
        let all: Vec<(NewLeaf, Option<KeyPair>)> = all.into_iter().collect::<Made<_>>()?;
        // a name with parts that rcgen cannot carry over would break the chain
        if all.first().is_some_and(|(leaf, _)| !names_issuer(&leaf.pem, pem)) {
            let why = "the authority's own name cannot be written as it stands, because a part is in it twice (`DC=`, `OU=`): have it signed under a common name";
            return Err(Refusal::Vault(why.to_owned()));
        }
        Ok(all)
    }

    /// A request for a certificate (PKCS#10), signed with a private key, which is made where the
    /// vault has to have it itself and does not. `None` where a person has to tell the key first.
    ///
    /// # Errors
    /// The key is there and cannot be read, or the request cannot be made.
    pub fn request(
        &mut self,
        secret: &str,
        names: &[String],
        kind: KeyType,
    ) -> Made<Option<String>> {
        let key = self.requested(private_name(secret), secret.starts_with(OWN_KEY), kind)?;
        key.map(|key| forms::request(names, &key)).transpose()
    }

    /// A request for a certificate with which hosts' certificates can be signed. `None` where a
    /// person has to tell the key first.
    ///
    /// # Errors
    /// The key is there and cannot be read, or the request cannot be made.
    pub fn authority_request(&mut self, signer: &Signer) -> Made<Option<String>> {
        let own = signer.secret.is_none();
        let name = signer.secret.as_deref().map_or_else(|| AUTHORITY_KEY.to_owned(), secret_name);
        let key = self.requested(name, own, signer.key_type)?;
        key.map(|key| forms::authority_request(&signer.cluster, &key)).transpose()
    }

    /// The key for which a request is made. One of the vault's own is made where it is not there,
    /// or of another kind.
    fn requested(&mut self, name: String, own: bool, kind: KeyType) -> Made<Option<KeyPair>> {
        let known = self.key(&name)?;
        match known.filter(|it| !own || (!self.anew && keys::kind_of(it) == Some(kind))) {
            None if own => {
                belongs(self.safe)?;
                let key = keys::make(kind)?;
                self.keep(name, keys::pem(&key))?;
                Ok(Some(key))
            }
            known => Ok(known),
        }
    }

    fn no_authority(&self) -> Refusal {
        Refusal::Vault(format!(
            "`{}` is not in the vault, so nothing can be signed",
            self.authority_key
        ))
    }

    fn new_authority(&mut self, signer: &Signer) -> Made<(String, String)> {
        let known = self.key(AUTHORITY_KEY)?;
        let known = known.filter(|it| keys::kind_of(it) == Some(signer.key_type));
        let fresh = known.is_none();
        let key = match known {
            Some(key) => key,
            None => keys::make(signer.key_type)?,
        };
        let made = forms::authority(&signer.cluster, &key, self.today())?;
        if fresh {
            self.keep(AUTHORITY_KEY.to_owned(), keys::pem(&key))?;
        }
        Ok(made)
    }
}

impl Keep for Vault<'_> {
    fn read(&self, name: &str) -> Made<Option<Zeroizing<Vec<u8>>>> {
        match self.pending.get(name) {
            Some(pending) => Ok(Some(pending.clone())),
            None => self.safe.read(name),
        }
    }
}

impl Mint for Vault<'_> {
    fn authority(&mut self, signer: &Signer) -> Made<(String, String)> {
        if let Some(made) = &self.authority {
            return Ok(made.clone());
        }
        if let Some(secret) = &signer.secret {
            self.authority_key = secret_name(secret);
        }
        let made = match &signer.known {
            None => self.new_authority(signer)?,
            Some(pem) => {
                let (public, sha256) = certificate_digests(pem)
                    .ok_or_else(|| broken("certs/ca.pem", "it is no certificate"))?;
                self.authority_key = match self.lying(&self.authority_key, &public)? {
                    Some(name) => name,
                    None if self.read(&self.authority_key)?.is_none() => {
                        return Err(self.no_authority());
                    }
                    None => {
                        let why = format!(
                            "`{}` is not the key of the authority's certificate: they are of two",
                            self.authority_key
                        );
                        return Err(Refusal::Vault(why));
                    }
                };
                (pem.clone(), sha256)
            }
        };
        self.authority = Some(made.clone());
        Ok(made)
    }

    fn leaves(&mut self, requests: &[LeafRequest]) -> Made<Vec<NewLeaf>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let (pem, _) = self.authority.clone().ok_or_else(|| self.no_authority())?;
        let mut leaves = Vec::new();
        for (request, (leaf, fresh)) in requests.iter().zip(self.sign(requests, &pem)?) {
            if let Some(key) = fresh {
                self.keep(key_name(&request.key), keys::pem(&key))?;
            }
            leaves.push(leaf);
        }
        Ok(leaves)
    }

    fn crl(&mut self, list: &BTreeMap<String, String>) -> Made<String> {
        let (pem, _) = self.authority.clone().ok_or_else(|| self.no_authority())?;
        let (issuer, end) = self.issuer(&pem)?;
        revoked::list(list, &issuer, self.today(), end).map_err(|error| forms::said(&error))
    }

    fn secret(&mut self, key: &str, length: usize) -> Made<String> {
        belongs(self.safe)?;
        let name = secret_name(key);
        let value = match self.read(&name)? {
            Some(value) => value,
            None => {
                let value = draw(length)?;
                self.pending.insert(name, value.clone());
                value
            }
        };
        keyed_digest(&self.digest_key()?, key, &value)
    }

    fn held(&self, secret: &str, public: &str) -> Made<Held> {
        let name = private_name(secret);
        let fits = self.lying(&name, public)?.is_some();
        let held = || Ok(if self.read(&name)?.is_some() { Held::Other } else { Held::Absent });
        if fits { Ok(Held::Fits) } else { held() }
    }
}
