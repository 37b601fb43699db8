//! What was allotted: ids, slots, certificates, digests of secrets. Nothing secret is in here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::facts::LeafKey;
use super::host::HostId;

/// A certificate as it was issued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuedLeaf {
    /// PEM: the leaf and all authorities below the root; what was given, as it was given.
    pub pem: String,
    /// The secret that is its private key: `key/node1/www`, or `key/www` where hosts share it.
    pub key: String,
    /// Eight hexadecimal digits of the public key's SHA-256: what the private key's token shows.
    pub key_digest: String,
    /// The leaf itself, DER in upper-case hexadecimal digits, for peers that pin it.
    pub der: String,
    /// Its subject, where it signs itself: the cluster's authority did not, and peers have to name it
    /// to be shown it.
    pub signs_itself: Option<String>,
    /// The leaf in a few words: `sha256:1f2e3d4c5b6a7988 until 2036-11-17`.
    pub words: String,
}

/// All allotments, by the keys of the facts.
#[derive(Clone, Default, Debug)]
pub struct Settled {
    /// The cluster's authority, PEM, or the root above it; `None` where nothing needs one.
    pub authority: Option<Arc<str>>,
    /// What the cluster's authority has revoked, PEM; `None` where it is nothing.
    pub crl: Option<Arc<str>>,
    /// Other authorities, by the certificate that is verified with them; PEM.
    pub authorities: BTreeMap<String, Arc<str>>,
    pub leaves: BTreeMap<LeafKey, IssuedLeaf>,
    /// Secret → eight hexadecimal digits of its keyed digest; zeros while it has no value.
    pub secrets: BTreeMap<String, String>,
    /// Schedule and member → the minute within the period.
    pub slots: BTreeMap<(String, HostId), u32>,
}
