//! A private key that somebody wrote into a description is in no fault that is told of it.

use std::fs;
use std::process::Command;

use crate::cli::text;
use crate::traces::Traces;
use crate::vault::{ALICE, Project};

const KDL: &str = "cluster \"c\" domain=\"example.org\" platform=\"debian-12\"\nhost \"a\" address=\"192.0.2.1\"\n";

/// What the host itself shows that is wrong, around a key.
const PLACES: [fn(&str) -> String; 6] = [
    |key| key.to_owned(),
    |key| format!("file \"/etc/k\" {{ on \"a\"; mode \"\"\"\n{key}\"\"\"; }}\n"),
    |key| format!("file \"/etc/k\" {{ on \"a\"; mode \"{}\"; }}\n", key.replace('\n', "\\n")),
    |key| format!("file \"/etc/k\" {{ on \"b\"; content \"{}\"; }}\n", key.replace('\n', "\\n")),
    |key| {
        format!("file \"/etc/k\" {{ on \"a\"; content \"\"\"\n{key}{{{{ no.such }}}}\n\"\"\"; }}\n")
    },
    |key| format!("step \"s\" {{ on \"a\"; run #\"\"\"\n{key}\n"),
];

#[test]
fn a_private_key_is_in_no_fault() {
    let project = Project::of(KDL);
    let make = "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa || openssl genrsa -out rsa 2048
        openssl ecparam -name prime256v1 -genkey -noout -out ec
        ssh-keygen -q -t ed25519 -N '' -f ssh";
    let mut sh = Command::new("sh");
    let made = sh.args(["-c", make]).current_dir(project.folder()).output().unwrap();
    assert!(made.status.success(), "{}", text(&made));
    for kind in ["rsa", "ec", "ssh"] {
        let key = fs::read_to_string(project.at(kind)).unwrap();
        let mut traces = Traces::default();
        traces.add_key(kind, &key);
        for (number, place) in PLACES.iter().enumerate() {
            project.says(&format!("{KDL}{}", place(&key)));
            for format in ["human", "short", "json"] {
                let done = project.run(&["check", "--format", format]);
                let said = text(&done);
                assert_eq!(done.status.code(), Some(1), "{said}");
                assert_eq!(traces.find(&said), [""; 0], "{kind}, place {number}: {said}");
                assert!(said.contains("cluster.kdl"), "{said}");
            }
        }
    }
}

#[test]
fn an_identity_of_age_is_in_no_fault_and_what_is_no_key_is() {
    let project = Project::of("");
    let public = ALICE[0];
    project.says(&format!("{KDL}vault {{ recipient \"{}\" \"{public}x\"; }}\n", ALICE[1]));
    let said = text(&project.run(&["check"]));
    let mut traces = Traces::default();
    traces.add("identity", &ALICE[1]["AGE-SECRET-KEY-1".len()..]);
    assert_eq!(traces.find(&said), [""; 0], "{said}");
    assert!(said.contains(public) && said.contains("AGE-SECRET-KEY-1····"), "{said}");
}
