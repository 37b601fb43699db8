//! The authority that signs the hosts' certificates, where somebody gives one: a file beside the
//! description with its certificate and those above it.
//!
//! In: the inventory, the texts. Out: a [`GivenSigner`], judged. Not here: its private key, which
//! lies in the vault.

use super::digests::certificate_digests;
use super::reading::Reading;
use crate::diag::{Code, Diagnostic};
use crate::inventory::Authority;
use crate::model::facts::SecretSource;
use crate::source::{Span, Spanned};

/// An authority that is given.
#[derive(Clone)]
pub(super) struct GivenSigner {
    /// Its own certificate, then those above it.
    pub(super) pem: String,
    pub(super) sha256: String,
    /// The secret that is its key; the vault's own where there is none.
    pub(super) secret: Option<String>,
    pub(super) span: Span,
}

/// Reads the authority of the description, where it is given.
pub(super) fn signer(run: &mut Reading, authority: &Authority) -> Option<GivenSigner> {
    together(run, authority);
    let file = authority.cert.as_ref()?;
    if let Some(key) = &authority.key {
        key_is_given(run, key);
    }
    let chain = run.chain(&file.value, file.span)?;
    run.judge(chain.judge_signer(), &file.value, file.span)?;
    let pem = chain.pem();
    let (_, sha256) = certificate_digests(&pem)?;
    let secret = authority.key.as_ref().map(|it| it.value.clone());
    Some(GivenSigner { pem, sha256, secret, span: file.span })
}

/// What goes with what.
fn together(run: &mut Reading, authority: &Authority) {
    if let (Some(key), None) = (&authority.key, &authority.cert) {
        let diagnostic = Diagnostic::error(Code::Missing, "a key without its certificate");
        let help = "add `cert=\"ca/chain.pem\"`, or take `key` out and have an authority made";
        run.diagnostics.push(diagnostic.at(key.span, "").help(help));
    }
    if let (Some(_), Some(key_type)) = (&authority.key, &authority.key_type) {
        let diagnostic = Diagnostic::error(
            Code::OnlyOneOf,
            "a key that a person gives is of the kind that it is",
        );
        let help = "take `key-type` out";
        run.diagnostics.push(diagnostic.at(key_type.span, "").help(help));
    }
}

fn key_is_given(run: &mut Reading, key: &Spanned<String>) {
    let name = &key.value;
    let diagnostic = match run.facts.secrets.get(name) {
        Some(secret) if matches!(secret.source, SecretSource::Given(_)) => return,
        Some(secret) => {
            let message = format!("the secret `{name}` is letters and digits, and no private key");
            Diagnostic::error(Code::WrongValue, message)
                .at(key.span, "")
                .at(secret.origin.span, "`generate` stands here")
        }
        None => {
            let message = format!("no secret is called `{name}`");
            Diagnostic::error(Code::UnknownSecret, message).at(key.span, "")
        }
    };
    let help = format!(
        "declare it as `secret \"{name}\" {{ file \"…\"; }}`; or take `key` out and have `clustergen certs csr` make one for `ca`"
    );
    run.diagnostics.push(diagnostic.help(help));
}
