//! What certificates and requests say.
//!
//! In: what is asked for, keys, days. Out: PEM. Not here: where keys lie (see `vault`).

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::digests::hex;
use super::keys::{self, public_digest};
use super::mint::{LeafRequest, NewLeaf, Refusal};
use super::random::entropy;
use crate::model::facts::Usage;

/// The authority outlives everything that it signs.
const AUTHORITY_DAYS: i64 = 7300;

/// X.520's `ub-common-name` (RFC 5280, A.1).
const LONGEST_COMMON_NAME: usize = 64;

type Made<T> = Result<T, Refusal>;

/// A certificate for a host, with a new key where there is none of its kind: from the start of
/// today to the end of its time, or of its authority's.
pub(super) fn leaf(
    request: &LeafRequest,
    known: Option<KeyPair>,
    issuer: &Issuer<'_, KeyPair>,
    (today, end): (OffsetDateTime, OffsetDateTime),
) -> Made<(NewLeaf, Option<KeyPair>)> {
    let known = known.filter(|it| keys::kind_of(it) == Some(request.key_type));
    let fresh = known.is_none();
    let key = match known {
        Some(key) => key,
        None => keys::make(request.key_type)?,
    };
    let mut params = CertificateParams::default();
    let common = request.names.iter().find(|name| name.len() <= LONGEST_COMMON_NAME);
    params.distinguished_name = named(common.map_or(request.key.as_str(), String::as_str));
    for name in &request.names {
        let name = name.clone().try_into().map_err(|error| said(&error))?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    let addresses = request.addresses.iter().map(|ip| SanType::IpAddress(*ip));
    params.subject_alt_names.extend(addresses);
    params.key_usages = usages(&key);
    params.extended_key_usages = match request.usage {
        Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Usage::Peer | Usage::Pinned => {
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
        }
    };
    params.use_authority_key_identifier_extension = true;
    params.is_ca = IsCa::ExplicitNoCa;
    // what goes beyond the authority's end may go beyond what a date can say
    let days = i64::try_from(request.validity.days()).unwrap_or(i64::MAX);
    date(&mut params, today, days.min((end - today).whole_days() + 1))?;
    let cut = params.not_after > end;
    params.not_after = params.not_after.min(end);
    let certificate = params.signed_by(&key, issuer).map_err(|error| said(&error))?;
    let leaf = NewLeaf {
        pem: certificate.pem().replace("\r\n", "\n"),
        sha256: hex(&Sha256::digest(certificate.der())),
        key_sha256: public_digest(&key),
        until: params.not_after.date().to_string(),
        cut,
    };
    Ok((leaf, fresh.then_some(key)))
}

fn authority_params(cluster: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&format!("{cluster} cluster authority"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A certificate that signs others, and itself; PEM, and its SHA-256.
pub(super) fn authority(
    cluster: &str,
    key: &KeyPair,
    today: OffsetDateTime,
) -> Made<(String, String)> {
    let mut params = authority_params(cluster);
    date(&mut params, today, AUTHORITY_DAYS)?;
    let certificate = params.self_signed(key).map_err(|error| said(&error))?;
    let sha256 = hex(&Sha256::digest(certificate.der()));
    Ok((certificate.pem().replace("\r\n", "\n"), sha256))
}

/// A request for an authority below somebody else's.
pub(super) fn authority_request(cluster: &str, key: &KeyPair) -> Made<String> {
    written(&authority_params(cluster), key)
}

/// A request for a server's certificate (PKCS#10); the first name is its common name too.
pub(super) fn request(names: &[String], key: &KeyPair) -> Made<String> {
    let mut params = CertificateParams::default();
    let common = names.iter().find(|name| name.len() <= LONGEST_COMMON_NAME);
    params.distinguished_name = common.map_or_else(DistinguishedName::new, |it| named(it));
    for name in names {
        let name = name.clone().try_into().map_err(|error| said(&error))?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    params.key_usages = usages(key);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    written(&params, key)
}

fn date(params: &mut CertificateParams, start: OffsetDateTime, days: i64) -> Made<()> {
    params.not_before = start;
    params.not_after = start
        .checked_add(time::Duration::days(days))
        .ok_or_else(|| Refusal::Vault("the certificate would end after the year 9999".into()))?;
    let mut serial = [0; 16];
    entropy(&mut serial)?;
    serial[0] = (serial[0] & 0x7f) | 0x40; // positive, and never shorter (RFC 5280, 4.1.2.2)
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(())
}

/// A key of elliptic curves only signs; an RSA key may also be what a peer encrypts to that knows
/// no other key exchange.
fn usages(key: &KeyPair) -> Vec<KeyUsagePurpose> {
    let mut usages = vec![KeyUsagePurpose::DigitalSignature];
    if keys::is_rsa(key) {
        usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    usages
}

/// A request as people send it.
fn written(params: &CertificateParams, key: &KeyPair) -> Made<String> {
    let request = params.serialize_request(key).map_err(|error| said(&error))?;
    let pem = request.pem().map_err(|error| said(&error))?;
    Ok(pem.replace("\r\n", "\n"))
}

fn named(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// What rcgen says, as a sentence.
pub(super) fn said(error: &rcgen::Error) -> Refusal {
    Refusal::Vault(format!("a certificate cannot be made: {error}"))
}
