//! Requests for certificates that somebody else signs: `certs csr`.
//!
//! In: what is where, a certificate's name. Out: requests in PEM, after their keys are in the vault,
//! written as a build writes it. Not here: the answers, which people put beside the description;
//! a build judges them.

use time::OffsetDateTime;

use super::{asked, with_vault};
use crate::Described;
use crate::diag::{Diagnostics, suggestion};
use crate::identity::{Signer, StateWrites, Vault, key_of_files, readers};
use crate::inventory::{Authority, ClusterInfo, Inventory};
use crate::model::facts::{Certificate, CertificateSource, Facts, LeafKey};
use crate::model::host::HostId;
use crate::model::key_type::KeyType;
use crate::output::write_state;
use crate::run::{Fault, Opened, Place, open_state};
use crate::source::Sources;

/// By which name the cluster's authority is asked for.
pub(super) const AUTHORITY: &str = "ca";

/// What is asked for.
pub struct Wanted<'a> {
    pub name: &'a str,
    /// Only this host's, where each has its own.
    pub host: Option<&'a str>,
    /// With a new key, though there is one.
    pub new_key: bool,
}

/// What came of it.
pub struct Asked<'a> {
    pub sources: Sources<'a>,
    pub diagnostics: Diagnostics,
    /// `None` where the description is wrong.
    pub requests: Option<Vec<Request>>,
}

/// A request.
pub struct Request {
    /// `www`, or `app1-app` where each host has its own.
    pub name: String,
    pub pem: String,
}

/// Makes requests for a certificate; for one host's alone where each has its own and one is named.
///
/// # Errors
/// The surroundings are in the way, or there is nothing to ask for.
pub fn requests<'a>(
    place: Place<'a>,
    wanted: &Wanted,
    now: OffsetDateTime,
) -> Result<Asked<'a>, Fault> {
    let Wanted { name, host, new_key } = *wanted;
    let state = open_state(place)?;
    with_vault(&state)?;
    let mut opened = Opened::open(place, &state)?;
    let described = opened.describe();
    let Opened { sources, mut diagnostics, .. } = opened;
    let Some(Described { inventory, facts, .. }) =
        described.filter(|_| !diagnostics.fatal(place.strict))
    else {
        return Ok(Asked { sources, diagnostics, requests: None });
    };
    let mut vault = Vault::new(place.safe(), now);
    if new_key {
        vault.request_anew();
    }
    let mut requests = Vec::new();
    if name == AUTHORITY && !facts.certificates.contains_key(name) {
        requests.push(authority(&mut vault, &inventory.cluster, new_key)?);
    } else {
        let certificate = find(&facts, name)?;
        for host in hosts(&facts, &inventory, name, certificate, host)? {
            requests.push(request(
                &mut vault,
                &facts,
                &inventory,
                (name, certificate),
                (host, new_key),
            )?);
        }
    }
    let recipients = readers(&inventory, &mut diagnostics).vault;
    let writes = StateWrites { vault: vault.into_writes(&recipients)?, ..StateWrites::default() };
    write_state(place.disk, place.state_path, &writes)?;
    Ok(Asked { sources, diagnostics, requests: Some(requests) })
}

pub(super) fn find<'a>(facts: &'a Facts, name: &str) -> Result<&'a Certificate, Fault> {
    let Some(certificate) = facts.certificates.get(name) else {
        let known = facts.certificates.keys().map(String::as_str);
        let help = suggestion(name, known, || "name one of the description's".to_owned());
        return asked(format!("no certificate is called `{name}`: {help}"));
    };
    match certificate.source {
        CertificateSource::Files { .. } => Ok(certificate),
        CertificateSource::ClusterCa => asked(format!(
            "`{name}` is signed by the cluster's own authority: write `source \"files\" cert=\"certs/{name}.crt\"` where somebody else is to sign it"
        )),
        CertificateSource::OnHost { .. } => asked(format!(
            "`{name}` is kept on the hosts by somebody else, who makes its requests too"
        )),
    }
}

/// One request for each; `None` stands for all hosts together.
fn hosts(
    facts: &Facts,
    inventory: &Inventory,
    name: &str,
    certificate: &Certificate,
    only: Option<&str>,
) -> Result<Vec<Option<HostId>>, Fault> {
    if !certificate.per_host() {
        return match only {
            None => Ok(vec![None]),
            Some(_) => asked(format!(
                "all hosts show one `{name}`: leave `--host` out, or write `{{{{ host.name }}}}` in the name of its file"
            )),
        };
    }
    let shown = facts.leaves.keys().filter(|key| key.name == name).map(|key| key.host);
    let shown: Vec<HostId> = shown.collect();
    let Some(only) = only else {
        if shown.is_empty() {
            return asked(format!("no host shows `{name}`"));
        }
        return Ok(shown.into_iter().map(Some).collect());
    };
    match inventory.find(only).filter(|id| shown.contains(id)) {
        Some(host) => Ok(vec![Some(host)]),
        None => asked(format!("no host `{only}` shows `{name}`")),
    }
}

fn request(
    vault: &mut Vault,
    facts: &Facts,
    inventory: &Inventory,
    (name, certificate): (&str, &Certificate),
    (host, new_key): (Option<HostId>, bool),
) -> Result<Request, Fault> {
    let host_name = host.map(|id| inventory.host(id).name.as_str());
    let secret = key_of_files(name, certificate, host_name.unwrap_or_default());
    if new_key && matches!(&certificate.source, CertificateSource::Files { key: Some(_), .. }) {
        return given_by_a_person(name, &secret);
    }
    let names = names(facts, name, certificate, host);
    let pem = vault.request(&secret, &names, certificate.key_type)?;
    let Some(pem) = pem else { return without_value(name, &secret) };
    let name = host_name.map_or_else(|| name.to_owned(), |host| format!("{host}-{name}"));
    Ok(Request { name, pem })
}

/// The request for an authority below somebody else's.
fn authority(vault: &mut Vault, cluster: &ClusterInfo, new_key: bool) -> Result<Request, Fault> {
    let Authority { cert, key, key_type } = &cluster.authority;
    if cert.is_none() {
        return asked(
            "the cluster's authority signs itself: write `authority cert=\"ca/chain.pem\"` at `cluster` where somebody else is to sign it",
        );
    }
    if let (Some(key), true) = (key, new_key) {
        return given_by_a_person(AUTHORITY, &key.value);
    }
    let signer = Signer {
        known: None,
        secret: key.as_ref().map(|it| it.value.clone()),
        cluster: cluster.name.clone(),
        key_type: key_type.as_ref().map_or_else(KeyType::default, |it| it.value),
    };
    match vault.authority_request(&signer)? {
        Some(pem) => Ok(Request { name: AUTHORITY.to_owned(), pem }),
        None => without_value(AUTHORITY, signer.secret.as_deref().unwrap_or_default()),
    }
}

fn given_by_a_person<T>(name: &str, secret: &str) -> Result<T, Fault> {
    asked(format!(
        "the key of `{name}` is the secret `{secret}`, which a person gives: take a new one in with `clustergen secrets set`, or take `key` out and have one made"
    ))
}

fn without_value<T>(name: &str, secret: &str) -> Result<T, Fault> {
    asked(format!(
        "the key of `{name}` is the secret `{secret}`, which has no value yet: tell it first, or take `key` out and have one made"
    ))
}

/// The names that clients check first, in the order of the description; then all others by which
/// anybody asks for it.
pub(super) fn names(
    facts: &Facts,
    name: &str,
    certificate: &Certificate,
    host: Option<HostId>,
) -> Vec<String> {
    let mut names: Vec<String> = certificate.names.iter().map(|it| it.value.clone()).collect();
    let shown = |key: &LeafKey| key.name == name && host.is_none_or(|host| key.host == host);
    for (_, leaf) in facts.leaves.iter().filter(|(key, _)| shown(key)) {
        for more in &leaf.names {
            if !names.contains(more) {
                names.push(more.clone());
            }
        }
    }
    names
}
