//! Doors and links: what follows from facts, and what `clustergen links` prints of descriptions.

use std::fs;

use clustergen::doors::{Door, doors};
use clustergen::model::facts::{
    Audience, Bind, Endpoint, Facts, HostIndex, Link, Listener, Origin, Protocol,
};
use clustergen::model::host::{HostId, HostSet};
use clustergen::model::value::Port;

use crate::cli::{clustergen, code, text};
use crate::support::{compare_text, golden, no_faults};

#[test]
fn links_are_told_as_stored_to_people_and_to_programs() {
    let mut faults = Vec::new();
    let mut cases: Vec<String> = fs::read_dir(golden().join("links"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.rsplit_once('.').unwrap().0.to_owned())
        .collect();
    cases.sort();
    cases.dedup();
    assert!(cases.len() >= 2, "{cases:?}");
    for case in cases {
        let folder = golden().join("ok").join(&case);
        for (ending, args) in [("txt", &["links"][..]), ("json", &["links", "--json"])] {
            let output = clustergen(&folder, args, &[]);
            assert_eq!(code(&output), 0, "{case}: {}", text(&output));
            let came = String::from_utf8(output.stdout).unwrap();
            if ending == "json" {
                assert!(serde_json::from_str::<serde_json::Value>(&came).unwrap().is_object());
            }
            compare_text(&golden().join(format!("links/{case}.{ending}")), &came, &mut faults);
            assert!(!folder.join("out").join("cluster.json").exists(), "it writes nothing");
        }
    }
    no_faults(&faults);
}

#[test]
fn links_of_a_wrong_description_are_not_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), "cluster \"c\"\n").unwrap();
    let output = clustergen(folder.path(), &["links", "--json"], &[]);
    assert_eq!(code(&output), 1);
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
}

/// Facts of two hosts: host 0 listens, and hosts dial it.
fn facts(listens: &[(i128, Bind, Audience)], dialled: &[(i128, &[u32])]) -> Facts {
    let mut facts = Facts { by_host: vec![HostIndex::default(); 2], ..Facts::default() };
    for (at, (port, bind, audience)) in (0..).zip(listens) {
        facts.listeners.push(Listener {
            hosts: HostSet::one(HostId(0)),
            bind: *bind,
            port: Port::parse(*port).unwrap(),
            protocol: Protocol::Tcp,
            audience: *audience,
            what: format!("program {at}"),
            shared: None,
            mutual_tls: false,
            origin: Origin::default(),
        });
        facts.by_host[0].listeners.push(at);
    }
    for (at, (port, from)) in (0..).zip(dialled) {
        let (hosts, port) = (HostSet::one(HostId(0)), Port::parse(*port).unwrap());
        facts.links.push(Link {
            from: from.iter().map(|host| HostId(*host)).collect(),
            to: Endpoint { hosts, port, protocol: Protocol::Tcp, purpose: None },
            tls: None,
            why: format!("link {at}"),
            origin: Origin::default(),
        });
        facts.by_host[0].links_to.push(at);
    }
    facts
}

/// Port, whether everybody may come, whether it is described, and who is led there.
fn seen(facts: &Facts) -> Vec<(u16, bool, bool, Vec<u32>)> {
    let one = |door: Door| {
        let from = door.from.iter().map(|host| host.0).collect();
        (door.port.get(), door.public(), door.described, from)
    };
    doors(facts, HostId(0)).into_iter().map(one).collect()
}

#[test]
fn what_listens_on_loopback_alone_is_no_door() {
    let listens = [(6379, Bind::Loopback, Audience::Peers), (443, Bind::Any, Audience::Peers)];
    assert_eq!(seen(&facts(&listens, &[(6379, &[0, 1])])), [(443, false, true, vec![])]);
}

#[test]
fn what_only_the_host_itself_dials_is_no_door_unless_something_listens_outside() {
    assert_eq!(seen(&facts(&[], &[(6379, &[0])])), []);
    assert_eq!(seen(&facts(&[], &[(6379, &[0, 1])])), [(6379, false, false, vec![0, 1])]);
    let listens = [(6379, Bind::Any, Audience::Peers)];
    assert_eq!(seen(&facts(&listens, &[(6379, &[0])])), [(6379, false, true, vec![0])]);
}

#[test]
fn programs_that_share_a_port_share_its_door_and_one_for_everybody_opens_it() {
    let listens = [(443, Bind::Any, Audience::Peers), (443, Bind::Any, Audience::Public)];
    let dialled: [(i128, &[u32]); 2] = [(443, &[1]), (443, &[0])];
    assert_eq!(seen(&facts(&listens, &dialled)), [(443, true, true, vec![0, 1])]);
}
