//! Certificates and keys of the sites: their files, and where the configuration names them.

use super::{CONFIGURATION, reload};
use crate::model::facts::{Certificate, CertificateSource};
use crate::model::plan::{Body, Condition};
use crate::model::value::AbsPath;
use crate::model::view::Fields;
use crate::quote::nginx_word;
use crate::services::nginx::SSL;
use crate::services::nginx::options::Nginx;
use crate::services::pair::pair_paths;
use crate::services::{Located, Lowering};
use crate::source::Spanned;

pub(in crate::services::nginx) fn certificate_path(name: &str) -> String {
    format!("{SSL}/{name}.crt")
}

pub(in crate::services::nginx) fn key_path(name: &str) -> String {
    format!("{SSL}/{name}.key")
}

/// Certificates and keys of the sites; the paths that were made.
pub(super) fn key_pairs(service: &Located<Nginx>, cx: &mut Lowering) -> Vec<String> {
    let mut paths = Vec::new();
    for (name, known) in service.options.certificates() {
        let owner = service.owner();
        if let CertificateSource::OnHost { cert, key } = &known.source {
            cx.kept_by_others(owner, (name, known), [cert, key], &[CONFIGURATION]);
            continue;
        }
        cx.directory(owner, SSL, 0o755);
        let pem = cx.leaf(name).map(|leaf| leaf.pem.clone()).unwrap_or_default();
        let token = cx.private_key(name);
        let (cert, key) = (certificate_path(name), key_path(name));
        cx.root_file(owner, &cert, 0o644, Body::Certificate { pem }, reload());
        cx.root_file(owner, &key, 0o600, Body::Secret { token }, reload());
        let at = Spanned::new(AbsPath::known(&cert), owner.origin.span);
        cx.shipped_lasts(owner, &at, Condition::default());
        paths.extend([cert, key]);
    }
    paths
}

/// Where nginx finds certificate and key.
fn pair(name: &str, known: &Certificate) -> [String; 2] {
    pair_paths(known, [certificate_path(name), key_path(name)])
}

/// Where nginx finds a certificate.
pub(super) fn certificate_of(name: &str, known: &Certificate) -> String {
    let [certificate, _] = pair(name, known);
    certificate
}

/// Where nginx finds certificate and key, for its configuration.
pub(super) fn pair_fields(
    view: Fields,
    name: &Spanned<String>,
    known: &Certificate,
    cx: &mut Lowering,
) -> Fields {
    let [certificate, key] = pair(&name.value, known).map(|path| {
        let path = nginx_word(&path, name.span);
        cx.text(path, name.span)
    });
    view.text("certificate", certificate).text("key", key)
}
