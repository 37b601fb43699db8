//! Certificates beside the builds: `certs list`, `csr`, `import`, `renew`.
//!
//! In: a [`Place`](crate::run::Place), what was asked for, the time. Out: what to print, after what
//! is new lies in the state folder, or beside the description, written as a build writes it. Not
//! here: bundles, which the next build makes.

mod adopt;
mod csr;
mod import;
mod list;
mod renew;

pub use adopt::{Adopted, adopt};
pub use csr::{Asked, Request, Wanted, requests};
pub use import::{Imported, ImportedFile, import};
pub use list::{Row, ends_by, json, list, table};
pub use renew::{Renewal, Renewing, renew};

use crate::identity::State;
use crate::run::Fault;

/// Nothing can be made where the keys are not.
fn with_vault(state: &State) -> Result<(), Fault> {
    match state.without_vault() {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

fn asked<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Asked(why.into()))
}
