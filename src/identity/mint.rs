//! Who makes what is new: the vault, nobody, or a rehearsal.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::diag::{Code, Diagnostic};
use crate::model::facts::Usage;
use crate::model::key_type::KeyType;
use crate::model::value::Duration;
use crate::source::Span;

/// A certificate that is asked for.
#[derive(Clone, Debug)]
pub struct LeafRequest {
    /// `node1/csync2`: names the key in the vault and the file under `certs/`.
    pub key: String,
    pub names: BTreeSet<String>,
    pub addresses: BTreeSet<IpAddr>,
    pub usage: Usage,
    pub validity: Duration,
    pub key_type: KeyType,
}

/// The authority that signs.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Its certificate, and those above it, PEM; none where it is to be made.
    pub known: Option<String>,
    /// The secret that is its key, where a person gives it.
    pub secret: Option<String>,
    /// For whom it is made.
    pub cluster: String,
    /// Of a key that is made.
    pub key_type: KeyType,
}

/// A certificate that was made.
#[derive(Clone, Debug)]
pub struct NewLeaf {
    pub pem: String,
    /// SHA-256 of the certificate.
    pub sha256: String,
    /// SHA-256 of the public key.
    pub key_sha256: String,
    /// The day on which it ends.
    pub until: String,
    /// Whether that is before what was asked for, because the authority ends then.
    pub cut: bool,
}

/// Why nothing was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The vault is not here.
    NoVault,
    /// The vault is here, and encrypted; no identity was named that could open it.
    Closed,
    /// The vault is here, and could make it; but this only compares.
    NotBuilt,
    /// The vault is here, but something is wrong with it: a sentence.
    Vault(String),
}

impl Refusal {
    /// What to tell where something was needed, as `the secret "kv"`, by a place in the description.
    #[must_use]
    pub fn told(&self, what: &str, span: Span) -> Diagnostic {
        let diagnostic = match self {
            Self::Vault(why) => Diagnostic::error(Code::IdentityMismatch, why.clone()),
            other => {
                let message = format!("{what} has to be made, and {}", other.why());
                Diagnostic::error(Code::NeedsVault, message)
            }
        };
        let diagnostic = diagnostic.help(self.help());
        diagnostic.at(span, format!("this needs {what}"))
    }

    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::NoVault => "the vault is not here",
            Self::Closed => "the vault is encrypted and nobody was named who opens it",
            Self::NotBuilt => "nothing is made here",
            Self::Vault(why) => why,
        }
    }

    /// What to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoVault => "build where the vault is, and commit the lock; or fetch the vault",
            Self::Closed => {
                "name the file with your key: `--identity FILE`, or CLUSTERGEN_IDENTITY"
            }
            Self::NotBuilt => "`clustergen build` makes it; commit what it writes",
            Self::Vault(_) => "fetch the vault that belongs to this lock",
        }
    }

    /// As a sentence, where no place in the description is at fault.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::NoVault => "the vault is not here: fetch it, or do this where it is".to_owned(),
            Self::Closed => "the vault is encrypted: name the file with your key by `--identity FILE`, or in CLUSTERGEN_IDENTITY".to_owned(),
            Self::NotBuilt => "this only compares: `clustergen build` makes it".to_owned(),
            Self::Vault(why) => why.clone(),
        }
    }
}

/// A file of the vault that cannot be used.
pub(super) fn broken(name: &str, why: &str) -> Refusal {
    Refusal::Vault(format!("`{name}` cannot be used: {why}"))
}

/// What is known of a private key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Held {
    /// The vault is not here to be asked.
    Unknown,
    /// The vault is here and does not have it.
    Absent,
    /// The vault has it, now or from before it was replaced.
    Fits,
    /// The vault has another one.
    Other,
}

/// Makes keys, certificates and passwords. The only source of entropy and dates.
pub trait Mint {
    /// The authority's certificate and those above it, PEM, and the SHA-256 of the first.
    ///
    /// # Errors
    /// Where it cannot be made, or the key that is held is another's.
    fn authority(&mut self, signer: &Signer) -> Result<(String, String), Refusal>;

    /// Certificates, in the order of the requests.
    ///
    /// # Errors
    /// Where they cannot be made.
    fn leaves(&mut self, requests: &[LeafRequest]) -> Result<Vec<NewLeaf>, Refusal>;

    /// The authority's list of revoked certificates, by serial number and day; PEM.
    ///
    /// # Errors
    /// Where it cannot be made.
    fn crl(&mut self, revoked: &BTreeMap<String, String>) -> Result<String, Refusal>;

    /// The keyed digest of a secret, whose value is drawn where there is none.
    ///
    /// # Errors
    /// Where it cannot be drawn.
    fn secret(&mut self, key: &str, length: usize) -> Result<String, Refusal>;

    /// Whether the private key of a public one is there, which is named by the SHA-256 of it; the
    /// name of its secret is `key/www`, or one that the description declares. Nothing is made.
    ///
    /// # Errors
    /// Where it is there and no key that can be read.
    fn held(&self, secret: &str, public: &str) -> Result<Held, Refusal>;
}

/// There is no vault that could be asked, for this reason: nothing is made.
pub struct Locked(pub Refusal);

impl Mint for Locked {
    fn authority(&mut self, signer: &Signer) -> Result<(String, String), Refusal> {
        match &signer.known {
            Some(pem) => Ok((pem.clone(), String::new())),
            None => Err(self.0.clone()),
        }
    }

    fn leaves(&mut self, requests: &[LeafRequest]) -> Result<Vec<NewLeaf>, Refusal> {
        if requests.is_empty() { Ok(Vec::new()) } else { Err(self.0.clone()) }
    }

    fn crl(&mut self, _: &BTreeMap<String, String>) -> Result<String, Refusal> {
        Err(Refusal::NoVault)
    }

    fn secret(&mut self, _: &str, _: usize) -> Result<String, Refusal> {
        Err(self.0.clone())
    }

    fn held(&self, _: &str, _: &str) -> Result<Held, Refusal> {
        Ok(Held::Unknown)
    }
}

/// A rehearsal: stands in for what a build would make, so that everything behind it can be seen.
/// What it gives is written nowhere.
pub struct Dry;

/// Where a certificate will stand.
const TO_COME: &str = "(made by the first build)\n";

impl Mint for Dry {
    fn authority(&mut self, signer: &Signer) -> Result<(String, String), Refusal> {
        Ok((signer.known.clone().unwrap_or_else(|| TO_COME.to_owned()), "0".repeat(64)))
    }

    fn leaves(&mut self, requests: &[LeafRequest]) -> Result<Vec<NewLeaf>, Refusal> {
        let leaf = NewLeaf {
            pem: TO_COME.to_owned(),
            sha256: "0".repeat(64),
            key_sha256: "0".repeat(64),
            until: "0000-00-00".to_owned(),
            cut: false,
        };
        Ok(vec![leaf; requests.len()])
    }

    fn crl(&mut self, _: &BTreeMap<String, String>) -> Result<String, Refusal> {
        Ok(TO_COME.to_owned())
    }

    fn secret(&mut self, _: &str, _: usize) -> Result<String, Refusal> {
        Ok("0".repeat(32))
    }

    fn held(&self, _: &str, _: &str) -> Result<Held, Refusal> {
        Ok(Held::Unknown)
    }
}
