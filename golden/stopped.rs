//! What changes vault and seals is stopped at every operation on the disk, and fails at some:
//! what some host may have can be read afterwards, and saying it again makes it right.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clustergen::certs::{Renewing, renew};
use clustergen::diag::Diagnostics;
use clustergen::disk::RealFolder;
use clustergen::identity::{Identities, value};
use clustergen::model::plan::Slot;
use clustergen::run::{Place, build, look};
use clustergen::secrets::{rekey, rotate, set};
use zeroize::Zeroizing;

use crate::crash::{Killed, copied};
use crate::support::{Bench, Edited, build_well, day, messages, tree};
use crate::vault::{ALICE, BOB};

const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK2xi3Goj8f3IbqKvXhs27BKLe4VESX0JhYHX+/L/DZ4";
const NEW_HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOw0eLTU2kdGmYOSZ3Kf2N2iXcNRmMFmZ0YB6cgzq1cO";

/// A sealed host and one that is not, with a secret that is drawn, one that is given, and keys.
fn kdl(recipients: &[&str], host_key: &str) -> Edited {
    let vault = match recipients {
        [] => String::new(),
        some => format!("vault {{ recipient \"{}\"; }}", some.join("\" \"")),
    };
    let text = format!(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1" {{ ssh-host-key "{host_key}"; }}
host "b" address="192.0.2.2"
secret "kv" {{ generate; }}
secret "told" {{ prompt; }}
certificate "www" {{ names "www.example.org"; on "a" cert="/etc/www.crt" key="/etc/www.key"; }}
file "/etc/kv" {{ on "a" "b"; mode "0600"; content "{{{{ secret(\"kv\") }}}}"; }}
file "/etc/told" {{ on "a"; mode "0600"; content "{{{{ secret(\"told\") }}}}"; }}
{vault}
"#
    );
    Edited { base: RealFolder(std::env::temp_dir()), name: "cluster.kdl".to_owned(), text }
}

pub fn identities(people: &[[&str; 2]]) -> Identities {
    let mut identities = Identities::default();
    for [_, secret] in people {
        identities.add(secret).unwrap();
    }
    identities
}

/// Built, with a value of what a person gives.
fn begun(recipients: &[&str]) -> Bench {
    let mut bench = Bench::new(None);
    bench.identities = identities(&[ALICE, BOB]);
    let kdl = kdl(recipients, HOST_KEY);
    take_in(bench.place(&kdl, "cluster.kdl"), "the first value").unwrap();
    build_well(bench.place(&kdl, "cluster.kdl"));
    bench
}

fn take_in(place: Place, value: &str) -> Result<(), String> {
    let mut read = |_: clustergen::secrets::ReadFrom| Ok(Zeroizing::new(value.as_bytes().to_vec()));
    let known = set(place, "told", true, day(), &mut read);
    known.map(drop).map_err(|fault| format!("{fault:?}"))
}

/// Values by token, of all hosts, as the lock names them.
fn values(place: Place) -> Vec<(Slot, Option<Zeroizing<Vec<u8>>>)> {
    let report = look(place).unwrap();
    let compiled = report.compiled.as_ref().unwrap_or_else(|| panic!("{}", messages(&report)));
    let mut slots: BTreeMap<String, Slot> = BTreeMap::new();
    for host in compiled.inventory.managed() {
        slots.extend(compiled.plan(host, &mut Diagnostics::default()).slots);
    }
    slots.into_values().map(|slot| (slot.clone(), value(&place.safe(), &slot).unwrap())).collect()
}

/// Faults of a vault's files: a plain one where it is encrypted, one that is both, a rest.
fn untidy(state: &Path, encrypted: bool) -> Vec<String> {
    let vault = tree(&state.join("vault"));
    let known = |name: &str| ["lock", "recipients"].contains(&name);
    let is_age = |name: &str| name.ends_with(".age");
    let wrong = |name: &&String| !known(name) && is_age(name) != encrypted;
    let rest =
        tree(state).into_keys().filter(|it| it.rsplit('/').next().unwrap().ends_with(".new"));
    vault.keys().filter(wrong).cloned().chain(rest).collect()
}

pub type Change = fn(Place) -> Result<(), String>;

/// Stops a change at every operation, and has it fail at every third. `people` can open the vault
/// before or after.
pub fn at_every_operation(
    old: &Bench,
    people: &[[&str; 2]],
    kdl: &Edited,
    encrypted: bool,
    change: Change,
) {
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let had = old.state.0.join("lock").exists().then(|| values(old.place(kdl, "cluster.kdl")));
    for (stops, stride) in [(true, 1), (false, 3)] {
        for n in (1..).step_by(stride) {
            let mut bench = copied(old);
            bench.identities = identities(people);
            let disk = if stops { Killed::after(n, true) } else { Killed::failing(n) };
            // what happens to bundles is in `crash`
            let disk = disk.within(&bench.state.0);
            let done = one_thread.install(|| change(bench.place_on(kdl, "cluster.kdl", &disk)));
            let at = format!("{} operation {n}", if stops { "stopped at" } else { "failed at" });
            let place = bench.place(kdl, "cluster.kdl");
            for (slot, value_then) in had.iter().flatten().filter(|(_, it)| it.is_some()) {
                let now = value(&place.safe(), slot).unwrap_or_else(|why| panic!("{at}: {why:?}"));
                assert_eq!(&now, value_then, "{at}: {} was lost", slot.secret);
            }
            if bench.state.0.join("lock").exists() {
                let lost =
                    |(slot, value): &(Slot, Option<_>)| value.is_none() && slot.digest().is_some();
                let lost: Vec<_> = values(place).into_iter().filter(lost).collect();
                assert!(lost.is_empty(), "{at}: the lock names {:?}", lost[0].0);
            }
            change(place).unwrap_or_else(|why| panic!("{at}, said again: {why}"));
            let report = build_well(place);
            assert!(!messages(&report).contains("CG0507"), "{at}: {}", messages(&report));
            assert_eq!(untidy(&bench.state.0, encrypted), [""; 0], "{at}");
            if disk.is_through() {
                assert!(n > 5, "only {n} operations");
                done.unwrap();
                break;
            }
        }
    }
}

fn built(place: Place) -> Result<(), String> {
    let report = build(place, &[], day()).map_err(|fault| format!("{fault:?}"))?;
    report.diffs.is_some().then_some(()).ok_or_else(|| messages(&report))
}

#[test]
fn a_first_build_with_an_encrypted_vault() {
    let kdl = kdl(&[ALICE[0]], HOST_KEY);
    at_every_operation(&Bench::new(None), &[ALICE], &kdl, true, built);
}

#[test]
fn a_value_that_is_taken_in() {
    let (old, kdl) = (begun(&[ALICE[0]]), kdl(&[ALICE[0]], HOST_KEY));
    let change: Change = |place| take_in(place, "the second value");
    at_every_operation(&old, &[ALICE], &kdl, true, change);
}

#[test]
fn a_value_that_is_drawn_anew() {
    let change: Change = |place| {
        let done = rotate(place, &["kv".to_owned()], day());
        done.map(drop).map_err(|fault| format!("{fault:?}"))
    };
    for recipients in [&[][..], &[ALICE[0]]] {
        let (old, kdl) = (begun(recipients), kdl(recipients, HOST_KEY));
        at_every_operation(&old, &[ALICE], &kdl, !recipients.is_empty(), change);
    }
}

#[test]
fn a_certificate_that_is_made_anew() {
    let change: Change = |place| {
        let names = ["www".to_owned()];
        let renewing = Renewing { names: &names, by: None, keep_key: false, revoke: false };
        renew(place, &renewing, day()).map(drop).map_err(|fault| format!("{fault:?}"))
    };
    let old = begun(&[ALICE[0]]);
    at_every_operation(&old, &[ALICE], &kdl(&[ALICE[0]], HOST_KEY), true, change);
}

#[test]
fn a_host_that_has_another_key() {
    let old = begun(&[ALICE[0]]);
    at_every_operation(&old, &[ALICE], &kdl(&[ALICE[0]], NEW_HOST_KEY), true, built);
}

fn encrypted_anew(from: &[&str], to: &[&str], people: &[[&str; 2]]) {
    let change: Change = |place| rekey(place).map(drop).map_err(|fault| format!("{fault:?}"));
    let old = begun(from);
    at_every_operation(&old, people, &kdl(to, HOST_KEY), !to.is_empty(), change);
}

#[test]
fn a_plain_vault_that_is_encrypted() {
    encrypted_anew(&[], &[ALICE[0]], &[ALICE]);
}

#[test]
fn a_vault_that_one_more_may_open() {
    encrypted_anew(&[ALICE[0]], &[ALICE[0], BOB[0]], &[ALICE]);
}

#[test]
fn a_vault_that_is_handed_over() {
    encrypted_anew(&[ALICE[0]], &[BOB[0]], &[ALICE, BOB]);
}

#[test]
fn a_vault_that_is_encrypted_no_more() {
    encrypted_anew(&[ALICE[0]], &[], &[ALICE]);
}

/// Who cannot open it any more can end what was begun, and needs no other key for it.
#[test]
fn a_vault_that_is_handed_over_by_somebody_who_has_no_other_key() {
    let old = begun(&[ALICE[0]]);
    let (before, kdl) = (kdl(&[ALICE[0]], HOST_KEY), kdl(&[BOB[0]], HOST_KEY));
    let had = values(old.place(&before, "cluster.kdl"));
    for (stops, stride) in [(true, 1), (false, 3)] {
        for n in (1..).step_by(stride) {
            let mut bench = copied(&old);
            bench.identities = identities(&[ALICE]);
            let disk = if stops { Killed::after(n, true) } else { Killed::failing(n) };
            let _ = rekey(bench.place_on(&kdl, "cluster.kdl", &disk));
            let at = format!("stopped at operation {n}");
            if !disk.is_through() {
                let again = rekey(bench.place(&kdl, "cluster.kdl"));
                again.map_or_else(|why| panic!("{at}: {why:?}"), drop);
            }
            bench.identities = identities(&[BOB]);
            let place = bench.place(&kdl, "cluster.kdl");
            assert!(had == values(place), "{at}: something was lost");
            assert_eq!(untidy(&bench.state.0, true), [""; 0], "{at}");
            if disk.is_through() {
                break;
            }
        }
    }
}

/// A build is content with what a stopped encryption left, and leaves no plain key.
#[test]
fn a_build_says_what_a_stopped_encryption_left() {
    let old = begun(&[]);
    let kdl = kdl(&[ALICE[0]], HOST_KEY);
    for n in 1.. {
        let mut bench = copied(&old);
        bench.identities = identities(&[ALICE]);
        let disk = Killed::after(n, true);
        rekey(bench.place_on(&kdl, "cluster.kdl", &disk)).map(drop).unwrap_or_default();
        let report = build_well(bench.place(&kdl, "cluster.kdl"));
        let said = messages(&report);
        let untidy = untidy(&bench.state.0, true);
        assert!(untidy.is_empty() || said.contains("CG0507"), "stopped at {n}: {untidy:?}\n{said}");
        if disk.is_through() {
            break;
        }
    }
}

/// A write that was stopped may have left a plain value under a name that nothing reads.
#[test]
fn an_encryption_takes_away_what_a_stopped_write_left() {
    let mut bench = begun(&[]);
    bench.identities = identities(&[ALICE]);
    fs::write(bench.state.0.join("vault/secrets/.kv.new"), "a plain value").unwrap();
    rekey(bench.place(&kdl(&[ALICE[0]], HOST_KEY), "cluster.kdl")).map(drop).unwrap();
    assert_eq!(untidy(&bench.state.0, true), [""; 0]);
}
