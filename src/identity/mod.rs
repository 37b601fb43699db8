//! Identity: what is made once and must not move.
//!
//! In: the facts, the lock, a mint. Out: [`Settled`](crate::model::settled::Settled), and what is
//! to be written of lock, certificates and vault. The only place with entropy and dates, and
//! those only behind [`Mint`].

mod adopt;
mod answer;
mod belongs;
mod chain;
mod crypt;
mod derived;
mod digests;
mod forms;
mod given;
mod keys;
mod lock;
mod mint;
mod names;
mod random;
mod readers;
mod reading;
mod revoked;
mod safe;
mod seals;
mod seen;
mod settle;
mod signer;
mod sound;
mod stamp;
mod state;
mod values;
mod vault;

pub use adopt::Pair;
pub use answer::{Answer, Fitting, unfit, unfit_to_sign};
pub use crypt::{Identities, Recipient, Unusable};
pub use given::{Given, given, key_of_files};
pub use lock::{Change, Lock, SealLine};
pub use mint::{Dry, Held, LeafRequest, Locked, Mint, NewLeaf, Refusal, Signer};
pub use names::{AUTHORITY, RECIPIENTS, is_old, waiting};
pub use readers::{Readers, VAULT, compare_recipients, readers, sealed_in};
pub use safe::{Keep, Safe, opened, rekeyed};
pub use seals::{Maker, Packer, Sealed, Sealing};
pub use seen::{Seen, certificate_words, seen};
pub use settle::{Allotted, Before, leaf_request, settle};
pub use stamp::Stamp;
pub use state::{State, StateWrites, VaultIs};
pub use values::{value, value_name, written};
pub use vault::Vault;
