//! What `apply.sh` does with keys in files that others own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::apply::SHELLS;
use crate::built::{Built, said};
use crate::bundle::{Bundle, bad, good, root_with, start};
use crate::properties;
use crate::scripts::mode;
use crate::trees::repository;

const TABLE: &str = "keys properties /etc/db.properties restart app.service there";
const EDITS: &str = "edits/etc/db.properties.keys";
const BEFORE: &str = "# the vendor's\r\nurl : old\\\r\n  er\r\nuser=app\nlegacy=1";

fn bundle(wanted: &str) -> Bundle {
    Bundle::of(TABLE, &[(EDITS, wanted)])
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn keys_are_set_in_their_place_and_given_back_byte_for_byte() {
    let (root, file) = root_with("etc/db.properties", BEFORE);
    let bundle = bundle("url=new\npool=9\n#unset legacy\n");
    let done = good(&bundle.apply(root.path(), &["--dry-run"]));
    let wanted = "set url, pool; unset legacy in /etc/db.properties, then restart app.service\n";
    assert!(done.contains(wanted), "{done}");
    assert_eq!(read(&file), BEFORE);
    good(&bundle.apply(root.path(), &[]));
    let after = "# the vendor's\r\nurl : new\r\nuser=app\n# unset by clustergen: legacy=1\npool=9";
    assert_eq!(read(&file), after);
    assert!(good(&bundle.apply(root.path(), &[])).contains("nothing to change"));
    assert_eq!(mode(&root.path().join("var/lib/clustergen/c/keys")), "0600");
    // one key less, then none
    bundle.becomes("h", TABLE, &[(EDITS, "pool=9\n#unset legacy\n")]);
    let told = good(&bundle.apply(root.path(), &["--dry-run"]));
    assert!(told.contains("give back url in /etc/db.properties"), "{told}");
    good(&bundle.apply(root.path(), &[]));
    assert!(read(&file).contains("url : old\\\r\n  er\r\n"));
    bundle.becomes("h", "", &[]);
    good(&bundle.apply(root.path(), &[]));
    assert_eq!(read(&file), BEFORE);
}

#[test]
fn what_somebody_changed_is_put_right_while_it_is_described_and_left_when_it_is_not() {
    let (root, file) = root_with("etc/db.properties", "a=1\nb=2\n");
    let bundle = bundle("a=x\nb=y\n");
    good(&bundle.apply(root.path(), &[]));
    fs::write(&file, "a=by hand\nb=y\n").unwrap();
    let check = bundle.apply(root.path(), &["--check"]);
    assert_eq!(check.status.code(), Some(2));
    assert_eq!(check.stdout, b"set a in /etc/db.properties, then restart app.service\n");
    good(&bundle.apply(root.path(), &[]));
    assert_eq!(read(&file), "a=x\nb=y\n");
    fs::write(&file, "a=by hand\nb=y\n").unwrap();
    bundle.becomes("h", "", &[]);
    let told = good(&bundle.apply(root.path(), &[]));
    assert!(told.contains("a of /etc/db.properties was changed by hand"), "{told}");
    assert_eq!(read(&file), "a=by hand\nb=2\n");
}

#[test]
fn a_secret_is_filled_in_and_no_value_of_it_is_ever_said() {
    let bundle = bundle("password=CGSECRET_p\n");
    bundle.secret("CGSECRET_p", "hunter2\n");
    let (root, file) = root_with("etc/db.properties", "password=old-one\n");
    bad(&bundle.apply(root.path(), &[]), "everybody may read /etc/db.properties");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    for args in [&["--dry-run"][..], &["--check"], &[], &["--check"]] {
        let told = said(&bundle.apply(root.path(), args));
        assert!(!told.contains("hunter2") && !told.contains("old-one"), "{told}");
    }
    assert_eq!((read(&file).as_str(), mode(&file).as_str()), ("password=hunter2\n", "0640"));
}

#[test]
fn a_file_that_is_not_there_is_an_error_or_made_as_the_bundle_says() {
    let (root, _) = root_with("etc/x", "");
    let bundle = bundle("a=CGSECRET_p\n");
    bundle.secret("CGSECRET_p", "v\n");
    bad(&bundle.apply(root.path(), &[]), "/etc/db.properties is not there");
    let files = [(EDITS, "a=CGSECRET_p\n")];
    bundle.becomes("h", &TABLE.replace("there", "create"), &files);
    good(&bundle.apply(root.path(), &[]));
    let file = root.path().join("etc/db.properties");
    assert_eq!((read(&file).as_str(), mode(&file).as_str()), ("a=v\n", "0600"));
    bundle.becomes("h", "", &[]);
    good(&bundle.apply(root.path(), &[]));
    assert!(!file.exists());
}

#[test]
fn a_link_and_a_file_that_is_no_text_are_told_and_stay() {
    let (root, file) = root_with("etc/db.properties", "a=\0\n");
    bad(&bundle("a=1\n").apply(root.path(), &[]), "holds a zero byte");
    fs::remove_file(&file).unwrap();
    symlink(root.path().join("etc/real"), &file).unwrap();
    bad(&bundle("a=1\n").apply(root.path(), &[]), "is a link");
}

#[test]
fn a_failed_run_gives_the_keys_back_and_forgets_them() {
    let host = start("h");
    host.write("/etc/db.properties", BEFORE);
    let table = format!("{TABLE}\ncheck 0 false /etc/db.properties");
    bad(&Bundle::of(&table, &[(EDITS, "url=new\n")]).on(&host, &[]).0, "the new files are wrong");
    assert_eq!(host.read("/etc/db.properties"), BEFORE);
    assert!(!host.path("/var/lib/clustergen/c/keys").exists());
}

#[test]
fn a_whole_file_of_ours_may_become_keys_of_what_was_there_before() {
    let (root, file) = root_with("etc/db.properties", "theirs=1\n");
    let whole = "file 0644 root:root /etc/db.properties none -";
    let files = [("files/etc/db.properties", "ours=1\n"), (EDITS, "a=1\n")];
    let bundle = Bundle::of(whole, &files);
    good(&bundle.apply(root.path(), &[]));
    bundle.becomes("h", TABLE, &files);
    good(&bundle.apply(root.path(), &[]));
    assert_eq!(read(&file), "theirs=1\na=1\n");
}

#[test]
fn sections_are_kept_apart_and_one_that_was_opened_is_closed_again() {
    let table = "keys ini /etc/node.ini none - there";
    let before = "; theirs\n[node]\n  type = standalone\n    or so\n\n[other]\ntype = x";
    let wanted = "[node]\ntype = master\nname = n1\n[sync]\nhost = h\n";
    let after =
        "; theirs\n[node]\n  type = master\n  name = n1\n\n[other]\ntype = x\n[sync]\nhost = h";
    for shell in SHELLS {
        let (root, file) = root_with("etc/node.ini", before);
        let bundle = Bundle::of(table, &[("edits/etc/node.ini.keys", wanted)]);
        let apply = || good(&bundle.apply_with(shell[0], &shell[1..], root.path(), &[]));
        apply();
        assert_eq!(read(&file), after, "{shell:?}");
        assert!(apply().contains("nothing to change"));
        bundle.becomes("h", "", &[]);
        apply();
        assert_eq!(read(&file), before, "{shell:?}");
    }
}

#[test]
fn what_is_described_is_what_java_reads_on_the_host() {
    let good = repository("golden/ok/properties-every-option");
    let built = Built::of(&read(&good.join("cluster.kdl")));
    let (root, file) = root_with("etc/app/db.properties", "jdbc.url: old\nold.key=1\nmine=1\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let done = built.apply("app1", root.path());
    assert!(done.status.success(), "{}", said(&done));
    let after = fs::read(&file).unwrap();
    let get = |key: &str| properties::get(&after, key).unwrap_or_default();
    let secrets = built.secrets("app1");
    let password = secrets.values().next().unwrap();
    assert!(get("jdbc.url").starts_with("jdbc:postgresql://app1:5433,app2"));
    assert_eq!(get("password"), *password);
    assert_eq!(get("redis:url"), format!("redis://:{password}@app1.example.net:6379"));
    assert_eq!(get("greeting"), "  Grüße, \"𝄞\"\tC:\\temp\nbye ");
    assert_eq!([get("node name"), get("#odd="), get("pool.size")], ["app1", ":=", "20"]);
    assert_eq!((get("empty").as_str(), get("mine").as_str()), ("", "1"));
    assert_eq!(properties::get(&after, "old.key"), None);
    built.rebuild("cluster \"keys\" domain=\"example.net\" platform=\"debian-12\"\nhost \"app1\" address=\"10.1.0.11\"\n");
    let done = built.apply("app1", root.path());
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(read(&file), "jdbc.url: old\nold.key=1\nmine=1\n");
}
