//! A host's secrets, sealed to its SSH keys: an age file in `sealed/HOST.age`, whose content is a
//! tar of values by token.
//!
//! In: a host's slots, the state, the vault. Out: the blob, and its line in the lock. Age gives
//! other bytes each time, so a blob is made once, and again only where a token or a reader changes;
//! a token names its value by digest, so this is seen without the vault. Whether the vault made what
//! is there is seen with it (see [`Stamp`]).

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::crypt::{Recipient, encrypt};
use super::digests::hex;
use super::lock::{Lock, SealLine};
use super::mint::Refusal;
use super::safe::Keep;
use super::stamp::Stamp;
use super::state::State;
use super::values::value;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::plan::{HostPlan, Slot};

/// What is needed to seal.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    pub state: &'a State<'a>,
    pub lock: &'a Lock,
    pub maker: Maker<'a>,
    /// Of the vault; without one nobody can say who sealed what is there.
    pub stamp: Option<&'a Stamp>,
}

/// Who makes a blob that is not there.
#[derive(Clone, Copy)]
pub enum Maker<'a> {
    Vault(&'a dyn Keep),
    /// Stands in for one: what it gives is written nowhere.
    Rehearsal,
    Nobody(&'a Refusal),
}

/// A host's secrets, sealed.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub blob: String,
    pub line: SealLine,
    /// Whether it was made now.
    pub fresh: bool,
}

/// Makes a tar of values by name; a sentence where that fails.
pub type Packer = fn(&BTreeMap<String, Zeroizing<Vec<u8>>>) -> Result<Zeroizing<Vec<u8>>, String>;

impl Sealing<'_> {
    /// The host's secrets, sealed to its keys; `None` where it has none.
    ///
    /// # Errors
    /// They have to be sealed, and cannot be.
    pub fn seal(
        self,
        plan: &HostPlan,
        readers: &[Recipient],
        pack: Packer,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Sealed>, Refusal> {
        let mut known = plan.slots.values().filter(|slot| slot.digest().is_some()).peekable();
        if readers.is_empty() || known.peek().is_none() {
            return Ok(None);
        }
        let slots: Vec<&Slot> = known.collect();
        let request = request(&slots, readers);
        if let Some(line) = self.lock.seals.get(&plan.name).filter(|it| it.request == request) {
            if !self.is_ours(&plan.name, line)? {
                diagnostics.push(foreign(plan, line));
            } else if let Some(sealed) = self.kept(&plan.name, line)? {
                return Ok(Some(sealed));
            }
        }
        let blob = match self.maker {
            Maker::Vault(safe) => make(safe, &slots, readers, pack)?,
            Maker::Rehearsal => "(sealed by the first build)\n".to_owned(),
            Maker::Nobody(why) => return Err(why.clone()),
        };
        let sha256 = hex(&Sha256::digest(blob.as_bytes()));
        let mut line = SealLine { request, sha256, mac: None };
        if let Some(stamp) = self.stamp {
            line.mac = stamp.on(&plan.name, &line)?;
        }
        Ok(Some(Sealed { blob, line, fresh: true }))
    }

    /// Whether the vault sealed what a line names; so it is where nobody can judge.
    fn is_ours(self, host: &str, line: &SealLine) -> Result<bool, Refusal> {
        let Some(stamp) = self.stamp else { return Ok(true) };
        let mac = stamp.on(host, line)?;
        Ok(mac.is_some() && mac == line.mac)
    }

    /// The blob that the lock names for these values and readers.
    fn kept(self, host: &str, line: &SealLine) -> Result<Option<Sealed>, Refusal> {
        let blob = self.state.sealed(host);
        let right = |it: &String| hex(&Sha256::digest(it.as_bytes())) == line.sha256;
        match blob.filter(right) {
            Some(blob) => Ok(Some(Sealed { blob, line: line.clone(), fresh: false })),
            // the vault has all that was in it
            None if matches!(self.maker, Maker::Vault(_)) => Ok(None),
            None => Err(Refusal::Vault(format!(
                "`sealed/{host}.age` is not the one that the lock names"
            ))),
        }
    }
}

/// What somebody sealed who had not the vault; or one of old, of which nobody can say.
fn foreign(plan: &HostPlan, line: &SealLine) -> Diagnostic {
    let blob = format!("`sealed/{}.age`", plan.name);
    let (message, help) = match line.mac {
        Some(_) => (
            format!("{blob} was not sealed with this vault"),
            "`clustergen build` seals the vault's values anew; ask who sealed the other one, and why",
        ),
        None => (
            format!("nothing says that {blob} was sealed with this vault"),
            "`clustergen build` seals it anew, and the line in the lock says so then; locks that an older clustergen wrote have lines without `mac=`",
        ),
    };
    Diagnostic::warning(Code::ForeignSeal, message).at(plan.origin.span, "").help(help)
}

fn make(
    safe: &dyn Keep,
    slots: &[&Slot],
    readers: &[Recipient],
    pack: Packer,
) -> Result<String, Refusal> {
    let mut values = BTreeMap::new();
    for slot in slots {
        let value = value(safe, slot)?.ok_or_else(|| {
            Refusal::Vault(format!("the vault has no value of `{}`", slot.secret))
        })?;
        values.insert(slot.token.clone(), value);
    }
    let payload = pack(&values).map_err(Refusal::Vault)?;
    let blob = encrypt(&payload, readers).map_err(Refusal::Vault)?;
    String::from_utf8(blob).map_err(|_| Refusal::Vault("age wrote no text".to_owned()))
}

/// Eight digits of what is sealed and for whom: another request means another blob.
fn request(slots: &[&Slot], readers: &[Recipient]) -> String {
    let words = slots.iter().map(|it| it.token.as_str());
    let words: Vec<&str> = words.chain(readers.iter().map(Recipient::as_str)).collect();
    hex(&Sha256::digest(words.join("\n").as_bytes()))[..8].to_owned()
}
