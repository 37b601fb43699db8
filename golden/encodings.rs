//! A value in the words of each format is read back by a program of that format.

use std::fs;
use std::process::Command;

use clustergen::quote::{Encoding, in_slot};

use crate::vault::Project;

/// What formats have words of their own for.
const VALUE: &str = "a&b<c>\"d'e\\f g%h+i/j=k$l`m#n;o:p@q?r[s]{t}\u{e9}\u{1f511}";

const READERS: &str = r#"
import base64, hashlib, hmac, json, os, subprocess, sys, urllib.parse
import xml.etree.ElementTree as xml
value, written = sys.argv[1], {}
for name in os.listdir("a/secrets"):
    with open("a/secrets/" + name, encoding="utf-8", newline="") as file:
        written[name.split("_")[2]] = file.read()
assert len(written) == 8, written
same = {
    "raw": lambda it: it,
    "xml": lambda it: xml.fromstring("<p a=\"%s\">%s</p>" % (it, it)).attrib["a"],
    "json": lambda it: json.loads('"%s"' % it),
    "url": lambda it: urllib.parse.urlsplit("postgresql://u:%s@h/d" % it).password,
    "base64": lambda it: base64.b64decode(it, validate=True).decode(),
    "sh": lambda it: subprocess.run(["sh", "-c", "printf %s " + it], stdout=-1, check=True).stdout.decode(),
}
for name, read in same.items():
    found = read(written[name])
    if name == "url":
        found = urllib.parse.unquote(found)
    assert found == value, (name, written[name], found)
assert xml.fromstring("<p>%s</p>" % written["xml"]).text == value

assert written["ssha"].startswith("{SSHA}")
raw = base64.b64decode(written["ssha"][6:])
assert raw[:20] == hashlib.sha1(value.encode() + raw[20:]).digest() and len(raw) == 28

kind, count, keys = written["scram"].split("$")
(rounds, salt), (stored, server) = count.split(":"), keys.split(":")
salted = hashlib.pbkdf2_hmac("sha256", value.encode(), base64.b64decode(salt), int(rounds))
key = lambda name: hmac.digest(salted, name, "sha256")
assert kind == "SCRAM-SHA-256" and int(rounds) >= 4096
assert base64.b64decode(stored) == hashlib.sha256(key(b"Client Key")).digest()
assert base64.b64decode(server) == key(b"Server Key")
"#;

fn description() -> String {
    let mut kdl = r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1"
secret "kv" { prompt; }
file "/etc/kv" { on "a"; content "{{ secret(\"kv\") }}"; }
"#
    .to_owned();
    for word in ["xml", "json", "url", "base64", "sh", "ssha", "scram"] {
        let content = format!("{{{{ secret(\\\"kv\\\", \\\"{word}\\\") }}}}");
        kdl += &format!("file \"/etc/{word}\" {{ on \"a\"; content \"{content}\"; }}\n");
    }
    kdl
}

#[test]
fn a_value_is_read_back_from_each_format_and_a_hash_is_of_it() {
    let project = Project::of(&description());
    project.good(&["build"]);
    fs::write(project.at("value"), VALUE).unwrap();
    project.good(&["secrets", "set", "cluster.kdl", "kv", "--from", "value"]);
    project.good(&["build"]);
    project.good(&["pack", "--as", "tar"]);
    let mut tar = Command::new("tar");
    tar.args(["-xf", "packs/a.tar"]).current_dir(project.folder());
    assert!(tar.status().unwrap().success());
    let mut python = Command::new("python3");
    python.args(["-c", READERS, VALUE]).current_dir(project.folder());
    let done = python.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn redis_is_given_no_password_that_leaves_it_open_or_that_it_does_not_read() {
    let written = |value: &str| in_slot(Encoding::Redis, value);
    for wrong in ["", "a\0b", &"x".repeat(513)] {
        assert!(written(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(written(&"x".repeat(512)).unwrap().len(), 514);
    // what its real parser makes of these, the lab hears
    assert_eq!(written("a \"b\\'\n").unwrap(), r#""a \"b\\'\x0a""#);
}

#[test]
fn a_hash_is_the_same_whenever_it_is_made() {
    let one = Project::of(&description());
    one.good(&["build"]);
    fs::write(one.at("value"), VALUE).unwrap();
    one.good(&["secrets", "set", "cluster.kdl", "kv", "--from", "value"]);
    one.good(&["build"]);
    one.good(&["pack", "--as", "tar"]);
    let first = fs::read(one.at("packs/a.tar")).unwrap();
    fs::remove_dir_all(one.at("packs")).unwrap();
    one.good(&["pack", "--as", "tar"]);
    assert!(first == fs::read(one.at("packs/a.tar")).unwrap(), "a second pack is another one");
}
