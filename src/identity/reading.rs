//! Chains of certificates out of files beside the description, and what is told of them.

use super::chain::{Chain, Fault, Wrong};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::Facts;
use crate::source::{Sources, Span};

/// Who reads them.
pub(super) struct Reading<'a, 'b> {
    pub(super) facts: &'a Facts,
    pub(super) inventory: &'a Inventory,
    pub(super) sources: &'a mut Sources<'b>,
    pub(super) diagnostics: &'a mut Diagnostics,
}

impl Reading<'_, '_> {
    pub(super) fn chain(&mut self, file: &str, span: Span) -> Option<Chain> {
        let text = match self.sources.open_inside(file) {
            Ok(id) => &self.sources.file(id).text,
            Err(message) => {
                let diagnostic = Diagnostic::error(Code::CannotRead, message);
                let help = "put the signed certificate there; `clustergen certs csr` makes the request for it";
                self.diagnostics.push(diagnostic.at(span, "").help(help));
                return None;
            }
        };
        match Chain::read(text) {
            Ok(chain) => Some(chain),
            Err(wrong) => {
                self.judge(Err(wrong), file, span);
                None
            }
        }
    }

    pub(super) fn judge(
        &mut self,
        result: Result<(), Wrong>,
        file: &str,
        span: Span,
    ) -> Option<()> {
        let Err(wrong) = result else { return Some(()) };
        let code = match wrong.kind {
            Fault::File => Code::CertificateFile,
            Fault::Private => Code::Unsafe,
            Fault::Order => Code::ChainBroken,
            Fault::Names => Code::CertificateName,
        };
        let message = format!("`{file}`: {}", wrong.why);
        let mut diagnostic = Diagnostic::error(code, message).at(span, "").help(wrong.help);
        if let (Some(line), Ok(id)) = (wrong.line, self.sources.open(file)) {
            let place = self.sources.file(id).line(id, line);
            diagnostic = diagnostic.at(place, "it begins here");
        }
        self.diagnostics.push(diagnostic);
        None
    }
}
