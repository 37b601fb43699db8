//! What the configuration needs to know of the host and of the nginx that runs there.

use crate::services::Lowering;
use crate::services::nginx::options::Nginx;

pub(super) struct Here {
    /// `http2 on;` instead of a parameter of `listen` (since 1.25.1).
    pub(super) http2_directive: bool,
    /// Refuses unknown names without a certificate (since 1.19.4).
    pub(super) reject_handshake: bool,
    pub(super) ipv6: bool,
}

impl Here {
    pub(super) fn of(nginx: &Nginx, cx: &Lowering) -> Self {
        let host = cx.this();
        let version = nginx.version_on(&host.platform);
        let since = |parts: &[u32]| version.as_ref().is_some_and(|it| it.at_least(parts));
        Self {
            http2_directive: since(&[1, 25, 1]),
            reject_handshake: since(&[1, 19, 4]),
            ipv6: host.has_ipv6(),
        }
    }
}
