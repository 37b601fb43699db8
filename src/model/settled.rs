//! What was allotted: ids, slots, certificates, digests of secrets. Nothing secret is in here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::facts::LeafKey;
use super::host::HostId;

/// A certificate as it was issued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuedLeaf {
    /// The leaf alone, PEM.
    pub pem: String,
    /// Eight hexadecimal digits of the public key's SHA-256: what the private key's token shows.
    pub key_digest: String,
}

/// All allotments, by the keys of the facts.
#[derive(Clone, Default, Debug)]
pub struct Settled {
    /// The cluster's authority, PEM; `None` where nothing needs one.
    pub authority: Option<Arc<str>>,
    pub leaves: BTreeMap<LeafKey, IssuedLeaf>,
    /// Secret → eight hexadecimal digits of its keyed digest; zeros while it has no value.
    pub secrets: BTreeMap<String, String>,
    /// Schedule and member → the minute within the period.
    pub slots: BTreeMap<(String, HostId), u32>,
}
