//! A certificate's file as somebody else made it: PEM, taken apart and judged.
//!
//! In: a text. Out: its certificates, and what is wrong with them, a sentence and what to do. Not
//! here: places in the description (see `given`), and the clock: expiry is nobody's fault here.

use sha2::{Digest, Sha256};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::{certificate::X509Certificate, parse_x509_certificate, pem::parse_x509_pem};

use super::digests::{blocks, hex};
use super::sound::{Unsound, sound};
use crate::diag::turns;

/// As many authorities as `proxy_ssl_verify_depth` of our nginx.conf lets it follow, with the root.
const LONGEST: usize = 3;

/// What is wrong with a file, and what to do.
pub(super) struct Wrong {
    pub(super) kind: Fault,
    pub(super) why: String,
    pub(super) help: String,
    /// The line of the certificate that it is about, from 1.
    pub(super) line: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no file of certificates.
    File,
    /// It holds what nobody may read.
    Private,
    /// Its certificates do not sign each other in this order, or the authority did not.
    Order,
    /// It is for somebody else.
    Names,
}

fn wrong(kind: Fault, why: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong { kind, why: why.into(), help: help.into(), line: None }
}

/// The certificates of a file, in its order.
#[derive(Default)]
pub(super) struct Chain {
    blocks: Vec<Block>,
}

struct Block {
    der: Vec<u8>,
    pem: String,
    line: usize,
}

const BEGIN: &str = "-----BEGIN ";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

impl Chain {
    /// Reads PEM; what stands between the certificates is for people and left out.
    pub(super) fn read(text: &str) -> Result<Self, Wrong> {
        let mut blocks = Vec::new();
        // an editor's mark of the encoding
        let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        while let Some((at, line)) = lines.next() {
            if !line.starts_with(BEGIN) {
                continue;
            }
            if line.contains("PRIVATE KEY") {
                let why = "it holds a private key, and people review this folder";
                let help = "take the key out of the file and of the history, and have a new one made: this one has been seen";
                return Err(Wrong { line: Some(at + 1), ..wrong(Fault::Private, why, help) });
            }
            if line.trim_end() != CERTIFICATE {
                let why = "it holds something else than certificates";
                let help = "keep what lies between `BEGIN CERTIFICATE` and `END CERTIFICATE`";
                return Err(Wrong { line: Some(at + 1), ..wrong(Fault::File, why, help) });
            }
            let mut pem = format!("{CERTIFICATE}\n");
            for (_, line) in lines.by_ref() {
                pem.push_str(line.trim_end());
                pem.push('\n');
                if line.starts_with("-----END ") {
                    break;
                }
            }
            let parsed = parse_x509_pem(pem.as_bytes()).ok().map(|(_, it)| it.contents);
            let der = parsed.filter(|der| parse_x509_certificate(der).is_ok());
            let Some(der) = der else {
                let why = "this is no whole certificate";
                let help = "copy it anew from whoever signed it";
                return Err(Wrong { line: Some(at + 1), ..wrong(Fault::File, why, help) });
            };
            blocks.push(Block { der, pem, line: at + 1 });
        }
        if blocks.is_empty() {
            let why = "it holds no certificate in PEM";
            let help = "write PEM, with `-----BEGIN CERTIFICATE-----`; `openssl x509 -inform DER -in FILE` makes it out of DER";
            return Err(wrong(Fault::File, why, help));
        }
        Ok(Self { blocks })
    }

    pub(super) fn pem(&self) -> String {
        self.blocks.iter().map(|block| block.pem.as_str()).collect()
    }

    /// SHA-256 of the first certificate's public key.
    pub(super) fn key_sha256(&self) -> String {
        self.certificates()
            .first()
            .map(|leaf| hex(&Sha256::digest(leaf.public_key().raw)))
            .unwrap_or_default()
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.blocks.append(&mut other.blocks);
    }

    /// Some of its certificates, PEM, in another order.
    pub(super) fn picked(&self, order: &[usize]) -> String {
        order.iter().filter_map(|at| self.blocks.get(*at)).map(|it| it.pem.as_str()).collect()
    }

    pub(super) fn certificates(&self) -> Vec<X509Certificate<'_>> {
        let parsed = self.blocks.iter().filter_map(|it| parse_x509_certificate(&it.der).ok());
        parsed.map(|(_, it)| it).collect()
    }

    /// What makes it none that a daemon could show: the order, and the key.
    pub(super) fn judge_shown(&self) -> Result<(), Wrong> {
        let all = self.certificates();
        let signed = |pair: &[X509Certificate]| issued(&pair[0], &pair[1]);
        let first_is_authority = all.first().is_some_and(|it| it.is_ca() && all.len() > 1);
        let broken = all.windows(2).position(|pair| !signed(pair));
        if first_is_authority || broken.is_some() {
            let at = if first_is_authority { 0 } else { broken.unwrap_or_default() };
            return Err(Wrong { line: Some(self.blocks[at].line), ..disorder(&all, at) });
        }
        self.judge_each(&all)
    }

    /// What makes OpenSSL refuse one of them, whoever it is for.
    fn judge_each(&self, all: &[X509Certificate]) -> Result<(), Wrong> {
        for (it, block) in all.iter().zip(&self.blocks) {
            if let Err(Unsound { why, help }) = sound(it) {
                let why = format!("`{}` {why}", called(it));
                return Err(Wrong { line: Some(block.line), ..wrong(Fault::File, why, help) });
            }
        }
        Ok(())
    }

    /// Whether it carries a name; a wildcard stands for one label (RFC 6125, 6.4.3).
    pub(super) fn judge_name(&self, name: &str) -> Result<(), Wrong> {
        let all = self.certificates();
        let names = all.first().map(dns_names).unwrap_or_default();
        let carries = |known: &String| match known.strip_prefix("*.") {
            Some(rest) => name.split_once('.').is_some_and(|(_, it)| it.eq_ignore_ascii_case(rest)),
            None => known.eq_ignore_ascii_case(name),
        };
        if names.iter().any(carries) {
            return Ok(());
        }
        let why = format!("it does not carry `{name}`");
        let help = if names.is_empty() {
            "it has no DNS names; clients look at nothing else".to_owned()
        } else {
            format!("it carries {}", names.join(", "))
        };
        Err(wrong(Fault::Names, why, help))
    }

    /// Whether others can be verified with it: all are authorities, or sign themselves.
    pub(super) fn judge_authority(&self) -> Result<(), Wrong> {
        let all = self.certificates();
        match all.iter().position(|it| !it.is_ca() && !issued(it, it)) {
            None => Ok(()),
            Some(at) => {
                let why = format!("`{}` is no authority", called(&all[at]));
                let help = "put the certificate of whoever signs into this file";
                let line = Some(self.blocks[at].line);
                Err(Wrong { line, ..wrong(Fault::Order, why, help) })
            }
        }
    }

    /// What makes it none that could sign hosts' certificates: each has to be an authority that may
    /// sign as many below it as there are, up to one that signs itself.
    pub(super) fn judge_signer(&self) -> Result<(), Wrong> {
        let all = self.certificates();
        for (at, it) in all.iter().enumerate() {
            let said = |why: String, help: &str| {
                Err(Wrong { line: Some(self.blocks[at].line), ..wrong(Fault::Order, why, help) })
            };
            let name = called(it);
            if !signs(it) {
                let help = "have it signed as one: basicConstraints CA:TRUE, keyUsage keyCertSign; `clustergen certs csr` asks for that";
                return said(format!("`{name}` is no authority"), help);
            }
            let below = u32::try_from(at).unwrap_or(u32::MAX);
            if path_length(it).is_some_and(|most| most < below) {
                let help = "have the one below signed by an authority whose `pathlen` is longer";
                let why = format!("`{name}` allows fewer authorities below it than there are");
                return said(why, help);
            }
            match all.get(at + 1) {
                Some(next) if !issued(it, next) => {
                    let why = format!("`{}` did not sign `{name}`", called(next));
                    return said(
                        why,
                        "write the authority's own certificate first, and behind each the one that signed it",
                    );
                }
                None if !issued(it, it) => {
                    let why = format!("it ends at `{name}`, which is no root");
                    return said(
                        why,
                        "add the certificates above it, up to the one that signs itself: most programs believe no other end",
                    );
                }
                _ => {}
            }
        }
        if all.len() > LONGEST {
            let why = format!("{} authorities above each other", all.len());
            let help =
                "take one that is nearer to its root: nginx follows three, as it is set up here";
            return Err(wrong(Fault::Order, why, help));
        }
        self.judge_each(&all)
    }

    /// The certificates but the last, and the last.
    pub(super) fn split_top(&self) -> (String, String) {
        let pem = |blocks: &[Block]| blocks.iter().map(|it| it.pem.as_str()).collect();
        let (below, top) = self.blocks.split_at(self.blocks.len().saturating_sub(1));
        (pem(below), pem(top))
    }

    /// Whether its end leads to one of the authorities.
    pub(super) fn judge_end(&self, authorities: &Self, file: &str) -> Result<(), Wrong> {
        let (all, known) = (self.certificates(), authorities.certificates());
        let Some(last) = all.last() else { return Ok(()) };
        if known.iter().any(|it| it.as_raw() == last.as_raw() || issued(last, it)) {
            return Ok(());
        }
        let why = format!("`{}` was not signed by what is in `{file}`", called(last));
        let help = format!(
            "its issuer is `{}`: put that one behind it, or into `{file}`",
            common_name(last.issuer())
        );
        Err(Wrong { line: self.blocks.last().map(|it| it.line), ..wrong(Fault::Order, why, help) })
    }
}

/// Certificates in the order of the file, the one at `at` not signed by the next.
fn disorder(all: &[X509Certificate], at: usize) -> Wrong {
    let names = |order: &[usize]| -> String {
        let names: Vec<String> =
            order.iter().map(|at| format!("`{}`", called(&all[*at]))).collect();
        names.join(", ")
    };
    if let Some(order) = order(all) {
        let why = "its certificates are not in the order of their signatures";
        return wrong(Fault::Order, why, format!("write them in this order: {}", names(&order)));
    }
    let why = match all.get(at + 1) {
        Some(next) => format!("`{}` did not sign `{}`", called(next), called(&all[at])),
        None => {
            format!("`{}` is an authority, and nothing that it signed is here", called(&all[at]))
        }
    };
    let help = "write the server's own certificate first, and behind each the one that signed it";
    wrong(Fault::Order, why, help)
}

/// The one order in which each is signed by the next, where there is one.
fn order(all: &[X509Certificate]) -> Option<Vec<usize>> {
    let mut order = vec![all.iter().position(|it| !it.is_ca())?];
    while order.len() < all.len() {
        let last = &all[*order.last()?];
        let next = (0..all.len()).find(|at| !order.contains(at) && issued(last, &all[*at]))?;
        order.push(next);
    }
    Some(order)
}

/// Whether one certificate was signed by another; where the algorithm is not known here, the names
/// decide.
pub(super) fn issued(leaf: &X509Certificate, by: &X509Certificate) -> bool {
    use x509_parser::error::X509Error;
    let named = leaf.issuer().as_raw() == by.subject().as_raw();
    named
        && matches!(
            leaf.verify_signature(Some(by.public_key())),
            Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm)
        )
}

/// Whether a text is nothing but certificates, each signed by the next and none by itself but the
/// last.
pub(super) fn is_chain(text: &str) -> bool {
    let Ok(chain) = Chain::read(text) else { return false };
    let all = chain.certificates();
    let above =
        |pair: &[X509Certificate]| issued(&pair[0], &pair[1]) && !issued(&pair[0], &pair[0]);
    blocks(text).is_some() && all.windows(2).all(above)
}

/// Whether it may sign certificates.
fn signs(it: &X509Certificate) -> bool {
    let usage = it.key_usage().ok().flatten();
    it.is_ca() && usage.is_none_or(|it| it.value.key_cert_sign())
}

fn path_length(it: &X509Certificate) -> Option<u32> {
    it.basic_constraints().ok().flatten()?.value.path_len_constraint
}

fn key_identifier<'a>(it: &'a X509Certificate) -> Option<&'a [u8]> {
    it.iter_extensions().find_map(|it| match it.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
        _ => None,
    })
}

/// Whether two authorities have one name and one key, and call the key alike, by their first
/// certificates: what one of them signed is the other's too.
pub(super) fn same_signer(a: &str, b: &str) -> bool {
    let (Ok(a), Ok(b)) = (Chain::read(a), Chain::read(b)) else { return false };
    let (a, b) = (a.certificates(), b.certificates());
    match (a.first(), b.first()) {
        (Some(a), Some(b)) => {
            a.subject().as_raw() == b.subject().as_raw()
                && a.public_key().raw == b.public_key().raw
                && key_identifier(a) == key_identifier(b)
        }
        _ => false,
    }
}

/// Whether a certificate names an authority as its issuer, letter by letter.
pub(super) fn names_issuer(leaf: &str, authority: &str) -> bool {
    let (Ok(leaf), Ok(authority)) = (Chain::read(leaf), Chain::read(authority)) else {
        return false;
    };
    match (leaf.certificates().first(), authority.certificates().first()) {
        (Some(leaf), Some(authority)) => issued(leaf, authority),
        _ => false,
    }
}

fn dns_names(certificate: &X509Certificate) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|it| &it.value.general_names).into_iter().flatten();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect()
}

pub(super) fn called(certificate: &X509Certificate) -> String {
    common_name(certificate.subject())
}

/// The common name; the whole subject where there is none. Control characters are shown as dots.
pub(super) fn common_name(name: &x509_parser::x509::X509Name) -> String {
    let common = name.iter_common_name().find_map(|it| it.as_str().ok().map(str::to_owned));
    common.unwrap_or_else(|| name.to_string()).replace(turns, "·")
}
