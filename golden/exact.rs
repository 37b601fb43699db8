//! What the lock names by a digest is alone in its file: what somebody puts beside it there, or a
//! merge, is told and reaches no host.

use std::fs;

use crate::vault::Project;

const DESCRIPTION: &str = r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1"
certificate "www" { names "www.example.org"; on "a" cert="/etc/www.crt" key="/etc/www.key"; }
certificate "old" { names "old.example.org"; on "a" cert="/etc/old.crt" key="/etc/old.key"; }
nginx "front" {
    on "a"
    site "www.example.org" { location "/" to="app"; certificate "www"; }
    upstream "app" { servers "a" port=8443; tls "old"; }
}
"#;

fn built() -> Project {
    let project = Project::of(DESCRIPTION);
    project.good(&["build"]);
    project.good(&["certs", "revoke", "cluster.kdl", "a/old"]);
    project.good(&["build"]);
    project
}

#[test]
fn what_lies_beside_a_certificate_in_its_file_goes_to_no_host() {
    let project = built();
    let other = Project::of(DESCRIPTION);
    other.good(&["build"]);
    let evil = other.state()["certs/ca.pem"].clone();
    let good = project.files();
    for file in ["certs/ca.pem", "certs/a/www.pem", "certs/ca.crl.pem"] {
        let path = project.at("cluster.state").join(file);
        let own = fs::read_to_string(&path).unwrap();
        for text in [
            format!("{own}{evil}"),
            format!("{own}{own}"),
            format!("{own}a word\n"),
            format!("a word\n{own}"),
            format!("<<<<<<< ours\n{own}=======\n{evil}>>>>>>> theirs\n"),
            own.replacen("-----END", "a word-----END", 1),
        ] {
            fs::write(&path, &text).unwrap();
            project.bad(&["build"], 1, &format!("`{file}` "));
            project.bad(&["pack"], 1, "CG0504");
        }
        // as git has it where it was told to
        fs::write(&path, own.replace('\n', "\r\n")).unwrap();
        project.good(&["build", "--check"]);
        fs::write(&path, own).unwrap();
    }
    assert!(good == project.files());
    project.good(&["pack"]);
}

#[test]
fn what_lies_beside_a_key_in_its_file_is_not_packed() {
    let project = built();
    let path = project.at("cluster.state/vault/keys/a/www.key");
    let own = fs::read_to_string(&path).unwrap();
    let old = fs::read_to_string(project.at("cluster.state/vault/keys/a/old.key")).unwrap();
    for with in [
        format!("<<<<<<< ours\n{own}=======\n{old}>>>>>>> theirs\n"),
        format!("{own}{old}"),
        format!("{own}a word\n"),
    ] {
        fs::write(&path, with).unwrap();
        project.bad(&["pack"], 1, "it is not one private key in PEM and nothing else");
    }
    fs::write(&path, own).unwrap();
    project.good(&["pack"]);
}
