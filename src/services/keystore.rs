//! `keystore`: a key or trust store for Java.
//!
//! A store cannot be reviewed, and every Java writes another one; so what is shipped is what goes
//! into it, in a place that is root's alone, and a script that has the host's own keytool make
//! it. The store is judged by the certificates in it, not by its bytes.

use super::decode::set;
use super::lowering::Owner;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Certificate, CertificateSource, ClaimKind};
use crate::model::host::HostSet;
use crate::model::own;
use crate::model::plan::{Body, Kind, Made, OnChange};
use crate::model::value::AbsPath;
use crate::model::view::Fields;
use crate::quote::{Encoding, Text, comment, fixed, plain, sh_word};
use crate::source::{Span, Spanned};
use crate::syntax::node::{Node, Value};

/// What lies beside the script.
const PARTS: [&str; 5] = ["store", "cert.pem", "key.pem", "ca.pem", "password"];

pub(super) struct Keystore {
    name: String,
    on: HostSet,
    path: Spanned<AbsPath>,
    jks: bool,
    password: String,
    certificate: Option<(Spanned<String>, Certificate)>,
    alias: Option<Spanned<String>>,
    trust: Option<Spanned<String>>,
    shared: bool,
    keytool: Spanned<String>,
    owner: String,
    group: String,
    on_change: OnChange,
    span: Span,
}

impl Service for Keystore {
    const KIND: &'static str = "keystore";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let first = |child: &str| read::first(node, child);
        let text = |child: &str| first(child).and_then(read::text);
        let account =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("root").to_owned();
        let unit = |child: &str| text(child).map(|it| it.value);
        let password = text("password")?;
        cx.secret(&password)?;
        let certificate = match first("certificate") {
            Some(value) => Some(cx.certificate(value)?),
            None => None,
        };
        let alias = text("alias").or_else(|| certificate.as_ref().map(|(name, _)| name.clone()));
        Some(Self {
            name: node.label()?.to_owned(),
            on: set(&cx.managed_hosts(node, "on")),
            path: read::path(first("path")?)?,
            jks: text("type").is_some_and(|it| it.value == "JKS"),
            password: password.value,
            certificate,
            alias,
            trust: text("trust"),
            shared: node.child("shared").is_some(),
            keytool: text("keytool")
                .unwrap_or_else(|| Spanned::new("keytool".to_owned(), node.head)),
            owner: account(first("owner")),
            group: account(node.child("owner").and_then(|it| it.prop("group"))),
            on_change: unit("reload")
                .map(OnChange::Reload)
                .or_else(|| unit("restart").map(OnChange::Restart))
                .unwrap_or(OnChange::Nothing),
            span: node.head,
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        declare.claim(&self.on, &self.path.value, ClaimKind::PerHost, self.path.span);
        let here = self.here(&inventory.cluster.name);
        for part in PARTS {
            let path = AbsPath::known(format!("{here}/{part}"));
            declare.claim(&self.on, &path, ClaimKind::PerHost, self.span);
        }
        if let Some((name, known)) = &self.certificate {
            declare.shows(&self.on, &name.value, known, inventory);
        }
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        if self.certificate.is_none() && self.trust.is_none() {
            let diagnostic = Diagnostic::error(Code::Missing, "nothing would be in this store");
            let help = "add `certificate \"…\"`, or `trust \"cluster-ca\"`, or both";
            diagnostics.push(diagnostic.at(self.span, "").help(help));
        }
        if let Some((name, known)) = &self.certificate
            && known.is_on_host()
        {
            let message = format!("the key of `{}` is on the hosts, and not here", name.value);
            let help = "have the program that renews it make the store, or take another `source`";
            let diagnostic = Diagnostic::error(Code::WrongValue, message);
            diagnostics.push(diagnostic.at(name.span, "").help(help));
        }
        for alias in [&self.alias, &self.trust].into_iter().flatten() {
            // keytool takes the one for an option, sh the other for a pattern
            let first = |c: char| c.is_ascii_alphanumeric();
            if !alias.value.starts_with(first) || alias.value.contains(['*', '[', ']']) {
                let message =
                    format!("`{}` is no alias that keytool and sh leave alone", alias.value);
                let help = "use letters, digits and `._:/-`, a letter or a digit first";
                let diagnostic = Diagnostic::error(Code::WrongValue, message);
                diagnostics.push(diagnostic.at(alias.span, "").help(help));
            }
            if alias.value.chars().any(char::is_uppercase) {
                let message = format!("keytool keeps `{}` in lower case", alias.value);
                let help = format!("write `{}`", alias.value.to_lowercase());
                let diagnostic = Diagnostic::error(Code::WrongValue, message);
                diagnostics.push(diagnostic.at(alias.span, "").help(help));
            }
        }
        if let (Some(alias), None) = (&self.alias, &self.certificate) {
            let diagnostic = Diagnostic::error(Code::Missing, "an alias without a certificate");
            let help = "add `certificate \"…\"`; what is trusted has its alias beside `trust`";
            diagnostics.push(diagnostic.at(alias.span, "").help(help));
        }
        if let (Some(alias), Some(trust)) = (&self.alias, &self.trust)
            && alias.value == trust.value
        {
            let message = format!("two entries of the store are called `{}`", trust.value);
            diagnostics.push(
                Diagnostic::error(Code::NameTaken, message)
                    .at(trust.span, "the authority's")
                    .at(alias.span, "the key's")
                    .help("give one of them another alias"),
            );
        }
        if let (Some(trust), true) = (&self.trust, cx.facts.leaves.is_empty()) {
            let message = "the cluster's authority has signed nothing that one could trust";
            let help = "describe a `certificate`, and a service that shows it";
            let diagnostic = Diagnostic::error(Code::Missing, message);
            diagnostics.push(diagnostic.at(trust.span, "").help(help));
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            service.options.lower_one(service.owner(), cx);
        }
    }
}

impl Keystore {
    /// Beside what `apply.sh` keeps: root's alone.
    fn here(&self, cluster: &str) -> String {
        own::folder(cluster, Self::KIND, &self.name)
    }

    fn lower_one(&self, owner: Owner, cx: &mut Lowering) {
        let here = self.here(&cx.inventory.cluster.name);
        let mut parts: Vec<(&str, Body)> = Vec::new();
        if let Some((name, known)) = &self.certificate {
            let ours = matches!(known.source, CertificateSource::ClusterCa);
            parts.extend(cx.parts(&name.value, ours));
        }
        if self.trust.is_some() {
            parts.push(("ca.pem", Body::Certificate { pem: cx.authority() }));
        }
        let token = cx.secret(&self.password, Encoding::Raw);
        parts.push(("password", Body::Secret { token }));
        parts
            .push(("store", Body::Template { name: "keystore/store", view: self.view(&here, cx) }));
        cx.package(owner, "openssl".to_owned());
        cx.directory(owner, &here, 0o700);
        let mut from = Vec::new();
        for (part, body) in parts {
            let path = format!("{here}/{part}");
            let mode = if part == "store" { 0o700 } else { 0o600 };
            cx.root_file(owner, &path, mode, body, self.on_change.clone());
            from.push(AbsPath::known(path));
        }
        let made = Made {
            path: self.path.value.clone(),
            run: format!("sh {here}/store"),
            probe: format!("sh {here}/store check"),
            from,
            on_change: self.on_change.clone(),
        };
        cx.add(owner, Kind::Made(made));
    }

    fn view(&self, here: &str, cx: &mut Lowering) -> Fields {
        let span = self.span;
        let mut alias = |alias: &Option<Spanned<String>>| -> Option<Text> {
            alias.as_ref().map(|it| cx.text(plain(&it.value, it.span), it.span))
        };
        let (own, trust) = (alias(&self.alias), alias(&self.trust));
        let aliases: Vec<Text> = own.iter().chain(&trust).cloned().collect();
        // a group that is named may read the key; certificates alone are no secret
        let bits = match (&self.certificate, self.group.as_str()) {
            (None, _) => "644",
            (Some(_), "root") => "600",
            (Some(_), _) => "640",
        };
        let mut word = |text: &str, span: Span| cx.text(sh_word(text, span), span);
        Fields::new(span)
            .text("title", comment(self.path.value.as_str(), self.path.span))
            .text("here", fixed(here, span))
            .text("path", word(self.path.value.as_str(), self.path.span))
            .text("type", fixed(if self.jks { "JKS" } else { "PKCS12" }, span))
            .text("first_byte", fixed(if self.jks { "fe" } else { "30" }, span))
            .text("keytool", word(&self.keytool.value, self.keytool.span))
            .text("bits", fixed(bits, span))
            .text("owner", word(&format!("{}:{}", self.owner, self.group), span))
            .flag("is_shared", self.shared)
            .maybe("alias", "has_certificate", own)
            .maybe("trust", "has_trust", trust)
            .texts("aliases", aliases)
    }
}
