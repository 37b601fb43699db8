//! Bundles to folders, by the output door.
//!
//! In: the old output, changed bundles, state writes. Out: the same on disk, each host's folder
//! old or new whenever the process ends. Kill-safe, not power-safe: only the vault is synced.
//! Not here: what changed (see `diff`).

mod archive;
mod journal;
mod stage;
mod state;
mod top;
mod tree;

pub use archive::{Form, Packed, archive, keep_archive, payload, unpack};
pub use journal::{finish, recover};
pub use stage::{Stage, StagedHost};
pub use state::{write_file, write_state};
pub use top::{ClusterJson, KNOWN_HOSTS, LinkJson, top_files};
pub use tree::{Existing, OutFault, foreign, read_host, remove_tree};

/// Staged hosts, staged pages and the journal lie in here, within the output folder.
pub const STAGE: &str = ".stage";

/// The history: neither summed, nor packed, nor compared.
pub const HISTORY: &str = "changes.diff";
