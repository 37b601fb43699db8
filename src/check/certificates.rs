//! CG0201: a certificate of the description's is not called as one that services ask for on their
//! own, since lock, vault and state know both by their names alone.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::Facts;

pub(super) fn no_certificate_of_a_service_s(
    _: &Inventory,
    facts: &Facts,
    diagnostics: &mut Diagnostics,
) {
    for (name, service) in &facts.own_leaves {
        let Some(certificate) = facts.certificates.get(name) else { continue };
        let message = format!("`{name}` is the certificate that the service itself asks for");
        diagnostics.push(
            Diagnostic::error(Code::NameTaken, message)
                .at(certificate.origin.span, "")
                .at(service.span, "this asks for it")
                .help("give yours another name"),
        );
    }
}
