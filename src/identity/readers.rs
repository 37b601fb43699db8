//! Who can open what is encrypted: the vault's recipients, and each host by its SSH keys.
//!
//! In: the inventory. Out: [`Readers`], and every key that nothing can be encrypted to.

use std::collections::BTreeMap;

use super::crypt::{Recipient, Unusable, judge_ssh};
use super::state::State;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::{Host, Inventory};
use crate::model::host::HostId;
use crate::source::{Span, Spanned};

/// Who can open what is encrypted.
#[derive(Clone, Default)]
pub struct Readers {
    /// Of the vault; it is plain where there are none.
    pub vault: Vec<Recipient>,
    /// Of each host's secrets; those of others are carried by `pack`.
    pub hosts: BTreeMap<HostId, Vec<Recipient>>,
}

impl Readers {
    /// Who opens what is encrypted, by where it lies: the vault, and each host's sealed secrets.
    #[must_use]
    pub fn shown(&self, inventory: &Inventory) -> BTreeMap<String, Vec<String>> {
        let shown = |it: &[Recipient]| it.iter().map(Recipient::shown).collect();
        let hosts = self.hosts.iter();
        let hosts = hosts.map(|(id, keys)| (sealed_in(&inventory.host(*id).name), shown(keys)));
        let vault = (!self.vault.is_empty()).then(|| (VAULT.to_owned(), shown(&self.vault)));
        hosts.chain(vault).collect()
    }
}

/// What [`Readers::shown`] calls the vault.
pub const VAULT: &str = "vault";

/// What [`Readers::shown`] calls a host's secrets: where they lie below the output.
#[must_use]
pub fn sealed_in(host: &str) -> String {
    format!("{host}/secrets.age")
}

/// Reads every recipient and every host's keys.
pub fn readers(inventory: &Inventory, diagnostics: &mut Diagnostics) -> Readers {
    let vault = inventory.vault.iter();
    let vault = vault.filter_map(|it| recipient(it, Recipient::parse, diagnostics)).collect();
    let mut hosts = BTreeMap::new();
    for id in inventory.managed() {
        let host = inventory.host(id);
        for key in host.ssh_keys.iter().filter(|it| !it.seals) {
            if let Err(Unusable { why, help }) = judge_ssh(&key.line.value) {
                told(why, help, key.line.span, diagnostics);
            }
        }
        let mut keys: Vec<Recipient> = host
            .sealing_keys()
            .filter_map(|it| recipient(it, Recipient::parse_ssh, diagnostics))
            .collect();
        keys.sort();
        keys.dedup();
        if !keys.is_empty() {
            has_age(host, diagnostics);
            hosts.insert(id, keys);
        }
    }
    Readers { vault: sorted(vault), hosts }
}

/// Tells where the vault is encrypted to others than the description names.
pub fn compare_recipients(
    readers: &Readers,
    inventory: &Inventory,
    state: &State,
    diagnostics: &mut Diagnostics,
) {
    let Some(kept) = &state.recipients else { return };
    let named: Vec<&str> = readers.vault.iter().map(Recipient::as_str).collect();
    // one that cannot be read was told
    let is_read = |it: &Spanned<String>| Recipient::parse(&it.value).is_ok();
    if *kept == named || !inventory.vault.iter().all(is_read) {
        return;
    }
    let (span, message) = match inventory.vault.first() {
        Some(first) if kept.is_empty() => (first.span, "the vault is not encrypted yet"),
        Some(first) => (first.span, "the vault is not encrypted to these recipients yet"),
        None => {
            (inventory.cluster.origin.span, "the vault is encrypted, and no recipient is named")
        }
    };
    let help = "`clustergen secrets rekey` writes its files anew; until then only new ones are";
    let diagnostic = Diagnostic::warning(Code::OtherRecipients, message);
    diagnostics.push(diagnostic.at(span, "").help(help));
}

fn sorted(mut recipients: Vec<Recipient>) -> Vec<Recipient> {
    recipients.sort();
    recipients.dedup();
    recipients
}

fn recipient(
    written: &Spanned<String>,
    parse: fn(&str) -> Result<Recipient, Unusable>,
    diagnostics: &mut Diagnostics,
) -> Option<Recipient> {
    parse(&written.value)
        .map_err(|Unusable { why, help }| told(why, help, written.span, diagnostics))
        .ok()
}

fn told(why: String, help: &str, span: Span, diagnostics: &mut Diagnostics) {
    diagnostics.push(Diagnostic::error(Code::NotSealable, why).at(span, "").help(help));
}

/// The host opens what is sealed to it with its distribution's `age`.
fn has_age(host: &Host, diagnostics: &mut Diagnostics) {
    let key = host.sealing_keys().next();
    if let (None, Some(key)) = (host.platform.fact("age.package"), key) {
        let message =
            format!("`{}` has no package `age`, which opens what is sealed", host.platform.id);
        let help = "write `seal=#false` behind the key, and carry the secrets to this host with `clustergen pack`";
        told(message, help, key.span, diagnostics);
    }
}
