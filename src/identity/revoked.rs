//! The authority's list of what nobody may believe any more (RFC 5280, 5).

use std::collections::BTreeMap;

use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevocationReason,
    RevokedCertParams, SerialNumber,
};
use sha2::{Digest, Sha256};
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};

use super::digests::hex;

/// Signs a list: serial numbers, and the day from which on. It holds as long as the authority:
/// nobody is there to make another one in time, and nginx refuses all servers by a list that has
/// run out.
pub(super) fn list(
    revoked: &BTreeMap<String, String>,
    issuer: &Issuer<'_, KeyPair>,
    today: OffsetDateTime,
    end: OffsetDateTime,
) -> Result<String, rcgen::Error> {
    let one = |(serial, day): (&String, &String)| RevokedCertParams {
        serial_number: SerialNumber::from_slice(&bytes(serial)),
        revocation_time: midnight(day).unwrap_or(today),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: today,
        next_update: end,
        // entries are never taken out again
        crl_number: SerialNumber::from(u64::try_from(revoked.len()).unwrap_or(u64::MAX)),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(one).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(params.signed_by(issuer)?.pem()?.replace("\r\n", "\n"))
}

/// Eight digits of the serial numbers in a list.
pub(super) fn digest(revoked: &BTreeMap<String, String>) -> String {
    let serials: Vec<&str> = revoked.keys().map(String::as_str).collect();
    hex(&Sha256::digest(serials.join(" ")))[..8].to_owned()
}

fn bytes(serial: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(serial.get(at..at + 2)?, 16).ok();
    (0..serial.len()).step_by(2).filter_map(byte).collect()
}

fn midnight(day: &str) -> Option<OffsetDateTime> {
    let form = format_description!("[year]-[month]-[day]");
    Some(Date::parse(day, form).ok()?.with_time(Time::MIDNIGHT).assume_utc())
}
