//! What differs between the releases of Gluu Server 4, as data.
//!
//! Sources, branches `version_4.0` to `version_4.5.5` of Gluu's own repositories:
//! community-edition-package, `package/systemd/gluu-serverd` (the container), and
//! community-edition-setup, `setup.py` (`save_properties`, `load_properties`; from 4.3 on
//! `setup_app/utils/properties_utils.py`).

use crate::model::value::Version;

/// One release, and those after it up to the next.
pub(super) struct Release {
    since: [u32; 2],
    /// The container, as `machinectl` knows it.
    pub(super) machine: &'static str,
    /// What `setup.py` keeps of its answers, beside itself.
    pub(super) answers: &'static str,
    /// Whether that is encrypted with the password of the administrator: `openssl enc
    /// -aes-256-cbc -k PASSWORD`, and the plain file removed. Gluu's guide to clusters goes on
    /// naming that one.
    pub(super) is_encrypted: bool,
}

const RELEASES: [Release; 2] = [
    Release {
        since: [4, 1],
        machine: "gluu-server",
        answers: "setup.properties.last.enc",
        is_encrypted: true,
    },
    Release {
        since: [4, 0],
        machine: "gluu_server",
        answers: "setup.properties.last",
        is_encrypted: false,
    },
];

impl Release {
    /// The one that a version belongs to.
    pub(super) fn of(version: &Version) -> &'static Self {
        let [newest @ .., oldest] = &RELEASES;
        newest.iter().find(|it| version.at_least(&it.since)).unwrap_or(oldest)
    }
}
