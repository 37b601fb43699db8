//! Certificates and private keys on a host, for every service that shows one or verifies peers.
//!
//! In: what a service refers to, and what was settled. Out: bodies and tokens, and what proves
//! that a pair is good. Not here: where a service wants its own copy.

use super::Lowering;
use super::lowering::{Owner, token_word};
use crate::model::facts::{Certificate, CertificateSource, LeafKey};
use crate::model::plan::{Body, Condition, Kind, Verify};
use crate::model::settled::IssuedLeaf;
use crate::model::value::AbsPath;
use crate::platform::Platform;
use crate::quote::{Encoding, sh_word};
use crate::source::Spanned;

/// The platform's own authorities, as nginx and others take them: one file.
const TRUST_STORE: &str = "tls.trust-store";

/// Where a service on a host finds a certificate and its key: its own copy, or the pair that
/// somebody else keeps there.
pub(super) fn pair_paths(certificate: &Certificate, own: [String; 2]) -> [String; 2] {
    match &certificate.source {
        CertificateSource::OnHost { cert, key } => [cert.value.to_string(), key.value.to_string()],
        CertificateSource::ClusterCa | CertificateSource::Files { .. } => own,
    }
}

/// What the cluster's authority is called beside a service, and the list of what it has revoked.
const CLUSTER_AUTHORITY: &str = "cluster-ca.pem";
const CLUSTER_REVOKED: &str = "cluster-ca.crl";

/// Where the list of revoked certificates lies that goes with a file of authorities.
pub(super) fn revoked_beside(authority: &str) -> Option<String> {
    let folder = authority.strip_suffix(CLUSTER_AUTHORITY)?;
    Some(format!("{folder}{CLUSTER_REVOKED}"))
}

/// The file of the authorities by which a service verifies those who show a certificate.
pub(super) enum Trust {
    /// The service's own copy of one that comes with the bundle: its name.
    Shipped(String),
    /// What the platform trusts anyway: a path.
    Platform(String),
}

pub(super) fn trust(name: &str, certificate: &Certificate, platform: &Platform) -> Trust {
    match (&certificate.source, &certificate.authority) {
        // no certificate's name has a dot: nothing else is called so
        (_, Some(_)) => Trust::Shipped(format!("{name}.ca.pem")),
        (CertificateSource::ClusterCa, None) => Trust::Shipped(CLUSTER_AUTHORITY.to_owned()),
        (_, None) => Trust::Platform(platform.fact(TRUST_STORE).unwrap_or_default().to_owned()),
    }
}

impl Lowering<'_> {
    /// This host's certificate of a name. `None` only where nothing could be issued, which is
    /// told elsewhere.
    pub(super) fn leaf(&self, name: &str) -> Option<&IssuedLeaf> {
        self.settled.leaves.get(&LeafKey { host: self.host, name: name.to_owned() })
    }

    /// The token for the private key of this host's certificate of a name.
    pub(super) fn private_key(&mut self, name: &str) -> String {
        let (digest, secret) = match self.leaf(name) {
            Some(leaf) => (leaf.key_digest.clone(), leaf.key.clone()),
            None => ("00000000".to_owned(), format!("key/{}/{name}", self.plan.name)),
        };
        let token = format!("CGSECRET_{}_pem_{digest}", token_word(&format!("key-{name}")));
        self.slot(token, secret, Encoding::PrivateKey)
    }

    /// What a script makes a store of: certificate and key, beside it.
    pub(super) fn parts(&mut self, name: &str, ours: bool) -> [(&'static str, Body); 2] {
        let mut pem = self.leaf(name).map(|it| it.pem.clone()).unwrap_or_default();
        // a file has its chain in it
        if ours {
            pem += &self.authority();
        }
        let token = self.private_key(name);
        [("cert.pem", Body::Certificate { pem }), ("key.pem", Body::Secret { token })]
    }

    /// The cluster's authority, PEM.
    pub(super) fn authority(&self) -> String {
        self.settled.authority.as_deref().unwrap_or_default().to_owned()
    }

    /// The authority by which those are verified who show a certificate, PEM.
    pub(super) fn authority_of(&self, name: &str) -> String {
        let given = self.settled.authorities.get(name);
        given.map_or_else(|| self.authority(), ToString::to_string)
    }

    /// Proves on demand that a certificate of the bundle has time left: a build judges no dates, so
    /// nothing else tells before it ends, and a person needs days to have another one signed.
    pub(super) fn shipped_lasts(
        &mut self,
        owner: Owner,
        cert: &Spanned<AbsPath>,
        condition: Condition,
    ) {
        self.lasts(owner, cert, ("two weeks", 14), condition);
    }

    fn lasts(
        &mut self,
        owner: Owner,
        cert: &Spanned<AbsPath>,
        (time, days): (&str, u32),
        condition: Condition,
    ) {
        let package = self.fact("openssl.package", owner);
        self.package(owner, package);
        let path = sh_word(cert.value.as_str(), cert.span);
        let path = self.text(path, cert.span).as_str().to_owned();
        let command = format!("openssl x509 -noout -checkend {} -in {path}", days * 86_400);
        let what = format!("{}: the certificate does not end within {time}", cert.value);
        self.add_when(owner, Kind::Verify(Verify { title: what, command }), condition);
    }

    /// Looks for a pair that somebody else keeps on the host, before a daemon is asked to read it,
    /// and proves on demand that it is what the description says. `readers` are the files that
    /// refer to it; where there are none, nothing of ours needs it.
    pub(super) fn kept_by_others(
        &mut self,
        owner: Owner,
        (name, certificate): (&str, &Certificate),
        [cert, key]: [&Spanned<AbsPath>; 2],
        readers: &[&str],
    ) {
        let word = |cx: &mut Self, text: &str, at: &Spanned<AbsPath>| {
            cx.text(sh_word(text, at.span), at.span).as_str().to_owned()
        };
        let (cert_word, key_word) =
            (word(self, cert.value.as_str(), cert), word(self, key.value.as_str(), key));
        if !readers.is_empty() {
            let command = format!(
                "[ -s {cert_word} ] && [ -s {key_word} ] || {{ echo \"the certificate {name} is not on this host yet: whoever keeps it has to put it at\" {cert_word} {key_word}; exit 1; }}"
            );
            self.check(owner, &command, &[0], readers);
        }
        // who renews by himself has done so long before
        self.lasts(owner, cert, ("a week", 7), Condition::default());
        let mut prove = |what: &str, command: String| {
            self.verify(owner, &format!("{}: {what}", cert.value), &command);
        };
        // -checkhost says what it found, but OpenSSL before 3.5 ends with 0 in any case
        for dns in &certificate.names {
            let dns = &dns.value;
            prove(
                &format!("the certificate is one for {dns}"),
                format!(
                    "openssl x509 -noout -checkhost {dns} -in {cert_word} | grep -q 'does match'"
                ),
            );
        }
        prove(
            &format!("the key is that of {}", key.value),
            format!(
                "public=$(openssl x509 -noout -pubkey -in {cert_word}) && [ \"$public\" = \"$(openssl pkey -pubout -in {key_word})\" ]"
            ),
        );
    }
}
