//! What a running cluster shows to its peers is taken over as it is, stays until it is renewed, and
//! what cannot be taken over is told.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use clustergen::certs::adopt;
use clustergen::disk::RealFolder;
use clustergen::run::Place;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cli::text;
use crate::stopped::{Change, at_every_operation, identities};
use crate::support::{Bench, Edited, build_well, day};
use crate::vault::{ALICE, Project};

const KDL: &str = r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1"
host "b" address="192.0.2.2"
csync2 "data" { members "a" "b"; include "/srv/data"; }
"#;

/// Pairs as csync2's own documentation has them made: one subject for all.
const PAIRS: &str = r#"
new() { name=$1; shift
    openssl req -x509 -nodes -keyout $name.key -out $name.crt -days 3000 "$@" 2>/dev/null; }
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256'
new a $ec -subj /CN=csync2; new b -newkey rsa:2048 -subj /CN=csync2; new own $ec -subj /CN=own
new ed -newkey ed25519 -subj /CN=csync2
"#;

const A: [&str; 6] = ["certs", "import", "cluster.kdl", "a/csync2", "a.crt", "a.key"];
const SHOWN: &str = "files/etc/csync2_ssl_cert.pem";

fn project(more: &str) -> Project {
    let project = Project::of(&format!("{KDL}{more}"));
    run(&project, PAIRS);
    project
}

fn run(project: &Project, script: &str) -> String {
    let mut sh = Command::new("sh");
    let done = sh.args(["-ec", script]).current_dir(project.folder()).output().unwrap();
    assert!(done.status.success(), "{script}: {}", text(&done));
    String::from_utf8(done.stdout).unwrap()
}

fn import(project: &Project, host: &str, pair: &str) -> String {
    let name = format!("{host}/csync2");
    let (cert, key) = (format!("{pair}.crt"), format!("{pair}.key"));
    project.good(&["certs", "import", "cluster.kdl", &name, &cert, &key])
}

fn read(project: &Project, path: &str) -> String {
    fs::read_to_string(project.at(path)).unwrap()
}

fn line(project: &Project, key: &str) -> String {
    let lock = read(project, "cluster.state/lock");
    lock.lines().find(|it| it.contains(&format!("certificate {key} "))).unwrap().to_owned()
}

#[test]
fn what_hosts_show_is_taken_over_byte_for_byte_and_stays() {
    for pair in ["a", "b", "ed"] {
        let project = project("");
        assert!(import(&project, "a", pair).starts_with("a/csync2: until 20"));
        import(&project, "b", "b");
        project.good(&["build"]);
        assert!(!project.at("cluster.state/vault/ca.key").exists(), "nobody needs an authority");
        let cert = read(&project, &format!("{pair}.crt"));
        assert_eq!(project.out()[&format!("a/{SHOWN}")], cert);
        project.good(&["pack", "--as", "tar"]);
        run(&project, "tar xf packs/a.tar");
        let token = read(&project, "a/files/etc/csync2_ssl_key.pem");
        let key = read(&project, &format!("a/secrets/{}", token.trim()));
        assert_eq!(key, read(&project, &format!("{pair}.key")));
        let public = "openssl x509 -in a/files/etc/csync2_ssl_cert.pem -noout -pubkey";
        let of_key = format!("openssl pkey -in a/secrets/{} -pubout", token.trim());
        assert_eq!(run(&project, public), run(&project, &of_key));

        let before = project.files();
        project.good(&["build"]);
        project.good(&["build", "--check"]);
        import(&project, "a", pair);
        assert_eq!(before, project.files(), "saying it again changes nothing");
        // what would ask for another one of our own
        let was = line(&project, "a/csync2");
        assert!(was.ends_with(" adopted"), "{was}");
        project.says(&KDL.replace("example.org", "example.net"));
        project.good(&["build"]);
        assert_eq!(was, line(&project, "a/csync2"));
        assert_eq!(project.out()[&format!("a/{SHOWN}")], cert);
        // a host that goes and comes back
        project
            .says(&KDL.replace("members \"a\"", "members \"n\"").replace("st \"a\"", "st \"n\""));
        project.good(&["build"]);
        assert_eq!(format!("retired {was}"), line(&project, "a/csync2"));
        project.says(KDL);
        project.good(&["build"]);
        assert_eq!(was, line(&project, "a/csync2"));
    }
}

#[test]
fn it_is_made_anew_when_that_is_asked_for() {
    let project = project("");
    for host in ["a", "b"] {
        import(&project, host, host);
    }
    project.good(&["build"]);
    let listed = project.good(&["certs", "list", "--json"]);
    assert_eq!(listed.matches("\"source\": \"adopted\"").count(), 2, "{listed}");
    project.bad(
        &["certs", "revoke", "cluster.kdl", "a/csync2"],
        1,
        "`certs renew` makes a new one",
    );
    project.good(&["certs", "renew", "cluster.kdl", "a/csync2"]);
    project.good(&["build"]);
    assert!(!line(&project, "a/csync2").contains("adopted"));
    assert!(line(&project, "b/csync2").contains("adopted"));
    // each names the issuer of the other
    let (state, b) = (project.state(), read(&project, "b.crt"));
    let (new, authority) = (&state["certs/a/csync2.pem"], &state["certs/ca.pem"]);
    assert_eq!(project.out()[&format!("a/{SHOWN}")], format!("{new}{authority}{b}"));
    assert_eq!(project.out()[&format!("b/{SHOWN}")], format!("{b}{authority}"));
    assert_eq!(state["vault/keys/b/csync2.key"], read(&project, "b.key"));
    let old = state.iter().filter(|(name, _)| name.starts_with("vault/keys/a/csync2.key."));
    assert_eq!(old.map(|(_, text)| text).collect::<Vec<_>>(), [&read(&project, "a.key")]);
}

#[test]
fn one_with_a_name_of_its_own_is_named_by_its_peers() {
    let project = project("");
    project.good(&["build"]);
    let before = project.state();
    import(&project, "a", "own");
    project.good(&["build"]);
    let (out, own) = (project.out(), read(&project, "own.crt"));
    let (b, authority) = (&before["certs/b/csync2.pem"], &before["certs/ca.pem"]);
    assert_eq!(out[&format!("a/{SHOWN}")], format!("{own}{authority}"));
    assert_eq!(out[&format!("b/{SHOWN}")], format!("{b}{authority}{own}"));
}

#[test]
fn a_vault_that_is_encrypted_takes_a_key_in() {
    let project = project(&format!("vault {{ recipient \"{}\"; }}", ALICE[0]));
    project.good(&A);
    let state = project.state();
    assert!(state.values().all(|text| !text.contains("PRIVATE KEY")));
    assert!(state.contains_key("vault/keys/a/csync2.key.age"), "{:?}", state.keys());
    project.bad(&A, 3, "the vault is encrypted: name the file with your key");
    project.good(&[&A[..], &["--identity", "alice"]].concat());
    project.good(&["build", "--identity", "alice"]);
}

#[test]
fn what_cannot_be_taken_over_is_told_and_nothing_is_written() {
    let project = project(
        r#"
certificate "www" { names "www.example.org"; on "a" cert="/etc/www.crt" key="/etc/www.key"; }
certificate "file" { names "f.example.org"; source "files" cert="b.crt"; }
certificate "kept" { names "k.example.org"; source "on-host" cert="/etc/k.crt" key="/etc/k.key"; }
stunnel "t" { server "b" port=16379 to=6379; clients "a" port=6380; }
nginx "n" { on "a"; site "f.example.org" { certificate "file"; extra "return 204;"; }; site "k.example.org" { certificate "kept"; extra "return 204;"; }; }
"#,
    );
    run(
        &project,
        r"
openssl pkey -in a.key -aes256 -passout pass:x -out locked.key
openssl pkey -in a.key -traditional -out old.key
openssl ecparam -name prime256v1 -genkey -out parameters.key
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out p521.key
openssl req -x509 -key p521.key -subj /CN=x -out p521.crt
openssl req -x509 -newkey rsa:1024 -nodes -keyout short.key -subj /CN=x -out short.crt 2>/dev/null
openssl req -new -key a.key -subj /CN=x | openssl x509 -req -CA b.crt -CAkey b.key -days 9 -out signed.crt 2>/dev/null
openssl x509 -in a.crt -outform DER -out der.crt
cat a.crt b.crt >two.crt; cat a.crt a.key >both.pem; cat a.key b.key >two.key; echo >empty
sed 5,6d a.key >cut.key
",
    );
    for (name, files, why) in [
        ("a/csync2", &["a.crt", "b.key"][..], "`b.key` is not the key of `a.crt`"),
        ("a/csync2", &["a.crt", "locked.key"], "openssl pkey -in locked.key -out plain.key"),
        ("a/csync2", &["a.crt", "old.key"], "openssl pkey -in old.key -out new.key"),
        ("a/csync2", &["a.crt", "parameters.key"], "`parameters.key` is of an old form"),
        ("a/csync2", &["a.crt", "cut.key"], "`cut.key` is damaged, or of a kind"),
        ("a/csync2", &["p521.crt", "p521.key"], "P-256, P-384, Ed25519 and RSA"),
        ("a/csync2", &["short.crt", "short.key"], "has an RSA key of 1024 bits"),
        ("a/csync2", &["signed.crt", "a.key"], "`x` did not sign it itself"),
        ("a/csync2", &["der.crt", "a.key"], "openssl x509 -inform DER"),
        ("a/csync2", &["two.crt", "a.key"], "it holds several certificates"),
        ("a/csync2", &["a.crt", "two.key"], "`two.key` holds more than one private key"),
        ("a/csync2", &["both.pem"], "bring two files"),
        ("a/csync2", &["both.pem", "a.crt"], "`both.pem` holds more"),
        ("a/csync2", &["a.crt", "b.crt"], "bring two files"),
        ("a/csync2", &["empty", "a.key"], "holds no certificate in PEM"),
        ("a/csync", &["a.crt", "a.key"], "did you mean `a/csync2`?"),
        ("a/www", &["a.crt", "a.key"], "Write `source \"files\"` in `certificate \"www\"`"),
        ("a/stunnel", &["a.crt", "a.key"], "write `authority cert=…` at `cluster`"),
        ("a/file", &["a.crt", "a.key"], "comes from a file beside the description"),
        ("a/kept", &["a.crt", "a.key"], "stays on the hosts as it is"),
    ] {
        let words = [&["certs", "import", "cluster.kdl", name], files].concat();
        project.bad(&words, 1, why);
    }
    project.bad(&["certs", "import", "cluster.kdl", "csync2", "a.crt"], 1, "`node1/csync2`");
}

/// The pair of host `a`, as a library's caller brings it.
static PAIR: OnceLock<[(String, Zeroizing<String>); 2]> = OnceLock::new();

fn bring(place: Place, now: OffsetDateTime) -> Result<(), String> {
    let pair = PAIR.get_or_init(|| {
        let project = project("");
        ["a.crt", "a.key"].map(|name| (name.to_owned(), Zeroizing::new(read(&project, name))))
    });
    let done = adopt(place, "a/csync2", pair, now).map_err(|why| format!("{why:?}"))?;
    done.until.map(drop).ok_or_else(|| "nothing came of it".to_owned())
}

fn described(more: &str) -> Edited {
    let (base, text) = (RealFolder(std::env::temp_dir()), format!("{KDL}{more}"));
    Edited { base, name: "cluster.kdl".to_owned(), text }
}

#[test]
fn one_that_has_ended_is_not_taken_over() {
    let (bench, kdl) = (Bench::new(None), described(""));
    let later = OffsetDateTime::now_utc() + time::Duration::days(3001);
    let why = bring(bench.place(&kdl, "cluster.kdl"), later).unwrap_err();
    assert!(why.contains("`a.crt`: it ended on 20"), "{why}");
    assert!(!bench.state.0.exists());
}

#[test]
fn it_may_be_stopped_anywhere() {
    let change: Change = |place| bring(place, day());
    at_every_operation(&Bench::new(None), &[], &described(""), false, change);
    let mut old = Bench::new(None);
    old.identities = identities(&[ALICE]);
    let encrypted = described(&format!("vault {{ recipient \"{}\"; }}", ALICE[0]));
    build_well(old.place(&encrypted, "cluster.kdl"));
    at_every_operation(&old, &[ALICE], &encrypted, true, change);
}
