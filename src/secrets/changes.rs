//! Values that are drawn anew, and a vault that is written anew.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::{Known, asked, known, may_ask};
use crate::identity::{RECIPIENTS, Recipient, StateWrites, Vault, opened, rekeyed};
use crate::model::facts::SecretSource;
use crate::output::write_state;
use crate::run::{Fault, Place, open_state};

/// Draws values anew; the old ones stay in the vault, where a lock that is taken back finds them.
///
/// # Errors
/// The surroundings are in the way, or a value is none that clustergen draws.
pub fn rotate<'a>(
    place: Place<'a>,
    names: &[String],
    now: OffsetDateTime,
) -> Result<Known<'a>, Fault> {
    let state = open_state(place)?;
    let known = known(place, &state)?;
    let Some(secrets) = &known.secrets else { return Ok(known) };
    may_ask(&state)?;
    let mut vault = Vault::new(place.safe(), now);
    let mut digests = BTreeMap::new();
    for name in names {
        let SecretSource::Generate { length } = secrets.source(name)? else {
            return asked(format!(
                "`{name}` is not drawn by clustergen: `clustergen secrets set {} {name}` takes in the new one",
                place.name
            ));
        };
        if !secrets.lock.active.secrets.contains_key(name) {
            return asked(format!("`{name}` has no value yet: `clustergen build` draws it"));
        }
        digests.insert(name.clone(), vault.draw_secret(name, *length)?);
    }
    secrets.write(place, vault, digests)?;
    Ok(known)
}

/// A vault that was written anew.
pub struct Rekeyed {
    pub files: usize,
    /// Who opens it now; nobody where it is plain.
    pub readers: Vec<String>,
    /// Whether those who were named while it was written are among them.
    pub opens: bool,
}

/// Writes every file of the vault anew, encrypted to those whom the description names, or plain
/// where it names nobody.
///
/// # Errors
/// The surroundings are in the way.
pub fn rekey(place: Place<'_>) -> Result<(Known<'_>, Option<Rekeyed>), Fault> {
    let state = open_state(place)?;
    let known = known(place, &state)?;
    let Some(secrets) = &known.secrets else { return Ok((known, None)) };
    may_ask(&state)?;
    if state.recipients.is_none() {
        return asked("there is no vault yet: `clustergen build` makes it".to_owned());
    }
    let (vault, gone): (BTreeMap<_, _>, BTreeSet<_>) =
        rekeyed(place.safe(), &secrets.readers.vault)?;
    let files = vault.keys().filter(|it| *it != RECIPIENTS).count();
    let readers = secrets.readers.vault.iter().map(Recipient::shown).collect();
    let mut values = vault.iter().filter(|(name, _)| *name != RECIPIENTS).map(|(_, it)| it);
    let opens = values.next().is_none_or(|it| opened(it.clone(), place.identities).is_ok());
    let writes = StateWrites { vault, gone, ..StateWrites::default() };
    write_state(place.disk, place.state_path, &writes)?;
    Ok((known, Some(Rekeyed { files, readers, opens })))
}
