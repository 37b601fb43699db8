//! Identity: what is made once and must not move.
//!
//! In: the facts, the lock, a mint. Out: [`Settled`](crate::model::settled::Settled), and what is
//! to be written of lock, certificates and vault. The only place with entropy and dates, and
//! those only behind [`Mint`].

mod chain;
mod given;
mod lock;
mod mint;
mod settle;
mod state;
mod values;
mod vault;

pub use given::{Given, given, key_of_files};
pub use lock::Lock;
pub use mint::{Dry, Held, LeafRequest, Locked, Mint, NewLeaf, Refusal};
pub use settle::{Allotted, settle};
pub use state::{State, StateWrites};
pub use values::{value, value_name};
pub use vault::{Vault, certificate_words};
