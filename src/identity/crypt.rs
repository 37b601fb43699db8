//! Files encrypted with age (age-encryption.org/v1) to X25519 recipients and SSH keys, armored:
//! they lie in git.
//!
//! In: bytes, recipients, identities. Out: bytes. The only user of `age`, which is a feature of
//! the program: without it every use says so. Not here: whose keys they are.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::quote::{base64, unbase64};

/// Somebody who can open what is encrypted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Recipient {
    /// As it is written, without a comment: `age1…`, `ssh-ed25519 AAAA…`.
    text: String,
}

/// Why a recipient or an identity cannot be used, and what to write instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unusable {
    pub why: String,
    pub help: &'static str,
}

const COPY_IT: &str =
    "copy the whole line of the file `.pub`; `apply.sh --host-key` prints a host's as it goes here";

fn unusable<T>(why: impl Into<String>, help: &'static str) -> Result<T, Unusable> {
    Err(Unusable { why: why.into(), help })
}

impl Recipient {
    /// Reads `age1…`, or the line of an SSH public key.
    ///
    /// # Errors
    /// Nothing can be encrypted to it.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        is_public(text)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let ssh =
            words.first().is_some_and(|it| it.starts_with("ssh-") || it.starts_with("ecdsa-"));
        let known = if ssh { words.len() >= 2 } else { words.len() == 1 };
        if !known {
            return unusable(
                format!("`{text}` is no recipient"),
                "write `age1…`, as `age-keygen` prints it, or the line of an SSH public key, which begins with `ssh-ed25519` or `ssh-rsa`",
            );
        }
        // a comment is its owner's, and may change
        let text = words[..words.len().min(2)].join(" ");
        backend::recipient(&text)?;
        Ok(Self { text })
    }

    /// Reads the line of an SSH public key.
    ///
    /// # Errors
    /// It is none, or nothing can be encrypted to it.
    pub fn parse_ssh(text: &str) -> Result<Self, Unusable> {
        judge_ssh(text)?;
        Self::parse(text)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As people compare it: an SSH key by its kind and fingerprint, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn shown(&self) -> String {
        let Some((kind, key)) = self.text.split_once(' ') else { return self.text.clone() };
        let digest = base64(&Sha256::digest(unbase64(key).unwrap_or_default()));
        format!("{kind} SHA256:{}", digest.trim_end_matches('='))
    }
}

/// Refuses a private key where a public one goes, and does not say it again.
fn is_public(text: &str) -> Result<(), Unusable> {
    if !text.to_ascii_uppercase().contains("AGE-SECRET-KEY-") && !text.contains("PRIVATE KEY") {
        return Ok(());
    }
    unusable(
        "this is a private key, and a description is committed",
        "write the public one: `age-keygen -y FILE` prints it, of an SSH key it lies in the file `.pub`; and make a new key where others have seen this one",
    )
}

/// Whether a text is the line of an SSH public key, of whatever kind (sshd(8), AUTHORIZED_KEYS).
///
/// # Errors
/// It is none.
pub(super) fn judge_ssh(text: &str) -> Result<(), Unusable> {
    is_public(text)?;
    let mut words = text.split(' ');
    let kind = |it: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|begin| it.starts_with(begin));
    let base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let key = |it: &str| it.starts_with("AAAA") && it.chars().all(base64);
    if words.next().is_some_and(kind) && words.next().is_some_and(key) {
        return Ok(());
    }
    unusable(format!("`{}` is no SSH public key", text.escape_debug()), COPY_IT)
}

/// The keys of who is at work; none where none were named.
#[derive(Default)]
pub struct Identities(Vec<backend::Identity>);

impl Identities {
    /// Adds those of one file: age's own (`AGE-SECRET-KEY-1…`), or an SSH private key without a
    /// passphrase.
    ///
    /// # Errors
    /// It holds none.
    pub fn add(&mut self, text: &str) -> Result<(), Unusable> {
        self.0.extend(backend::identities(text)?);
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Encrypts; other bytes each time.
///
/// # Errors
/// A sentence.
pub(super) fn encrypt(bytes: &[u8], to: &[Recipient]) -> Result<Vec<u8>, String> {
    backend::encrypt(bytes, to)
}

/// Decrypts.
///
/// # Errors
/// A sentence: no identity fits, or the file is damaged.
pub(super) fn decrypt(bytes: &[u8], with: &Identities) -> Result<Zeroizing<Vec<u8>>, String> {
    backend::decrypt(bytes, &with.0)
}

#[cfg(feature = "age")]
mod backend {
    use std::io::{self, Read, Write};

    use age::armor::{ArmoredReader, ArmoredWriter, Format};
    use age::ssh::ParseRecipientKeyError as Wrong;
    use age::{DecryptError, Decryptor, Encryptor};
    use zeroize::Zeroizing;

    use super::{COPY_IT, Recipient, Unusable, unusable};

    pub(super) type Identity = Box<dyn age::Identity + Send + Sync>;

    pub(super) fn recipient(text: &str) -> Result<Box<dyn age::Recipient + Send>, Unusable> {
        const OTHER: &str = "take an ed25519 or RSA key: age opens no others";
        if !text.contains(' ') {
            let parsed = text.parse::<age::x25519::Recipient>();
            let parsed = parsed.map(|it| -> Box<dyn age::Recipient + Send> { Box::new(it) });
            return parsed.or_else(|why| {
                unusable(
                    format!("`{text}` is no recipient of age: {why}"),
                    "write it as `age-keygen` prints it; copy it whole",
                )
            });
        }
        let kind = text.split(' ').next().unwrap_or_default();
        match text.parse::<age::ssh::Recipient>() {
            Ok(it) => Ok(Box::new(it)),
            Err(Wrong::RsaModulusTooSmall) => unusable(
                "this RSA key has less than 2048 bits",
                "make a new one: `ssh-keygen -t ed25519`",
            ),
            Err(Wrong::RsaModulusTooLarge) => {
                unusable("this RSA key has more than 4096 bits", OTHER)
            }
            Err(Wrong::Unsupported(_) | Wrong::Ignore) => {
                unusable(format!("nothing can be encrypted to a key of the kind `{kind}`"), OTHER)
            }
            Err(_) if !["ssh-ed25519", "ssh-rsa"].contains(&kind) => {
                unusable(format!("nothing can be encrypted to a key of the kind `{kind}`"), OTHER)
            }
            Err(_) => unusable("this SSH key is not whole", COPY_IT),
        }
    }

    pub(super) fn identities(text: &str) -> Result<Vec<Identity>, Unusable> {
        if !text.contains("PRIVATE KEY-----") {
            let file = age::IdentityFile::from_buffer(text.as_bytes());
            let all = file.ok().and_then(|it| it.into_identities().ok()).unwrap_or_default();
            if all.is_empty() {
                return unusable(
                    "it holds no identity",
                    "name a file with `AGE-SECRET-KEY-1…`, as `age-keygen` makes it, or an SSH private key",
                );
            }
            return Ok(all);
        }
        match age::ssh::Identity::from_buffer(text.as_bytes(), None) {
            Ok(it @ age::ssh::Identity::Unencrypted(_)) => Ok(vec![Box::new(it)]),
            Ok(age::ssh::Identity::Encrypted(_)) => unusable(
                "it is protected by a passphrase, and nobody is asked for one",
                "make an identity for this alone: `age-keygen -o FILE`, and name its recipient in `vault`",
            ),
            _ => unusable(
                "it is no key that opens anything",
                "take an ed25519 or RSA key, as `ssh-keygen` writes it",
            ),
        }
    }

    pub(super) fn encrypt(bytes: &[u8], to: &[Recipient]) -> Result<Vec<u8>, String> {
        let said = |error: io::Error| format!("it cannot be encrypted: {error}");
        let parsed = to.iter().map(|it| recipient(&it.text));
        let parsed: Result<Vec<_>, Unusable> = parsed.collect();
        let parsed = parsed.map_err(|wrong| wrong.why)?;
        let all = parsed.iter().map(|it| -> &dyn age::Recipient { it.as_ref() });
        let encryptor = Encryptor::with_recipients(all);
        let encryptor = encryptor.map_err(|error| format!("it cannot be encrypted: {error}"))?;
        let mut out = Vec::new();
        let armor = ArmoredWriter::wrap_output(&mut out, Format::AsciiArmor).map_err(said)?;
        let mut writer = encryptor.wrap_output(armor).map_err(said)?;
        writer.write_all(bytes).map_err(said)?;
        writer.finish().and_then(ArmoredWriter::finish).map_err(said)?;
        Ok(out)
    }

    pub(super) fn decrypt(bytes: &[u8], with: &[Identity]) -> Result<Zeroizing<Vec<u8>>, String> {
        let said = |error: DecryptError| match error {
            DecryptError::NoMatchingKeys => "no identity that was named opens it".to_owned(),
            _ => "it is damaged, or no file of age".to_owned(),
        };
        let decryptor = Decryptor::new_buffered(ArmoredReader::new(bytes)).map_err(said)?;
        let all = with.iter().map(|it| -> &dyn age::Identity { it.as_ref() });
        let mut reader = decryptor.decrypt(all).map_err(said)?;
        // as large as it can be: a buffer that grows leaves copies behind
        let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
        let read = reader.read_to_end(&mut out);
        read.map_err(|_| "it is damaged: it ends too early, or was changed".to_owned())?;
        Ok(out)
    }
}

#[cfg(not(feature = "age"))]
mod backend {
    use zeroize::Zeroizing;

    use super::{Recipient, Unusable, unusable};

    const WHY: &str = "this clustergen was built without age";
    const HELP: &str = "take one that was built with its default features";

    pub(super) type Identity = ();

    pub(super) fn recipient(_: &str) -> Result<(), Unusable> {
        unusable(WHY, HELP)
    }

    pub(super) fn identities(_: &str) -> Result<Vec<Identity>, Unusable> {
        unusable(WHY, HELP)
    }

    pub(super) fn encrypt(_: &[u8], _: &[Recipient]) -> Result<Vec<u8>, String> {
        Err(WHY.to_owned())
    }

    pub(super) fn decrypt(_: &[u8], _: &[Identity]) -> Result<Zeroizing<Vec<u8>>, String> {
        Err(WHY.to_owned())
    }
}
