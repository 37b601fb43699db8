//! What an authority sends back is taken in, in whatever order; what does not fit is told, and
//! nothing is written.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use clustergen::certs::import;
use clustergen::disk::RealFolder;
use time::OffsetDateTime;

use crate::cli::{clustergen, code, text};
use crate::crash::Killed;
use crate::support::{Bench, tree};

const DESCRIPTION: &str = r#"
cluster "c" domain="example.net" platform="debian-12" { authority cert="ca/chain.pem"; }
host "a" address="10.0.0.1"
host "b" address="10.0.0.2"
certificate "www" {
    names "www.example.net"
    source "files" cert="certs/www.crt" authority="root.crt"
    on "a" cert="/etc/www.crt" key="/etc/www.key"
}
certificate "each" {
    names "each.example.net"
    source "files" cert="certs/{{ host.name }}.crt"
    on "a" "b" cert="/etc/each.crt" key="/etc/each.key"
}
certificate "ours" { names "ours.example.net"; on "a" cert="/etc/o.crt" key="/etc/o.key"; }
"#;

/// A root, an authority below it, and what they sign of the requests.
const SIGN: &str = r#"
new() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $1.key 2>/dev/null ||
    openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
ca='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign'
echo "$ca" > ca.ext
new root; openssl req -x509 -key root.key -subj /CN=root -days 900 -out root.crt \
    -addext keyUsage=critical,keyCertSign,cRLSign
new issuing; openssl req -new -key issuing.key -subj /CN=issuing -out issuing.csr
openssl x509 -req -in issuing.csr -CA root.crt -CAkey root.key -days 800 -extfile ca.ext -out issuing.crt
for it in www a-each b-each; do
    openssl x509 -req -in $it.csr -CA issuing.crt -CAkey issuing.key -days 300 -copy_extensions copy -out $it.pem
done
openssl x509 -req -in ca.csr -CA root.crt -CAkey root.key -days 700 -copy_extensions copy -out ca.pem
"#;

fn run(folder: &Path, args: &[&str]) -> Output {
    clustergen(folder, &[&["certs"], args].concat(), &[])
}

fn sh(folder: &Path, script: &str) {
    let done = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{script}: {}", text(&done));
}

/// Requests, signed.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), DESCRIPTION).unwrap();
    for name in ["www", "each", "ca"] {
        let done = run(folder.path(), &["csr", "cluster.kdl", name, "-o", "."]);
        assert_eq!(code(&done), 0, "{}", text(&done));
    }
    sh(folder.path(), SIGN);
    folder
}

fn taken(folder: &Path, args: &[&str]) -> String {
    let done = run(folder, &[&["import", "cluster.kdl"], args].concat());
    assert_eq!(code(&done), 0, "{args:?}: {}", text(&done));
    text(&done)
}

#[test]
fn an_answer_is_sorted_in_any_order_with_or_without_its_root() {
    let folder = project();
    let at = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let wanted = at("www.pem") + &at("issuing.crt");
    fs::write(folder.path().join("all.pem"), at("root.crt") + &at("issuing.crt") + &at("www.pem"))
        .unwrap();
    for files in [
        &["all.pem"][..],
        &["issuing.crt", "www.pem"],
        &["www.pem", "a-each.pem", "root.crt", "issuing.crt"],
    ] {
        let told = taken(folder.path(), &[&["www"], files].concat());
        assert!(told.starts_with("certs/www.crt: until 20"), "{told}");
        assert_eq!(at("certs/www.crt"), wanted);
    }
    fs::write(folder.path().join("marked.pem"), format!("\u{feff}{wanted}")).unwrap();
    taken(folder.path(), &["www", "marked.pem"]);
    assert_eq!(at("certs/www.crt"), wanted);
    taken(folder.path(), &["each", "b-each.pem", "a-each.pem", "issuing.crt"]);
    assert_eq!(at("certs/b.crt"), at("b-each.pem") + &at("issuing.crt"));
    let told = taken(folder.path(), &["each", "b-each.pem"]);
    assert!(told.contains("`certs/b.crt` ends below `issuing`"), "{told}");
    assert_eq!(at("certs/a.crt"), at("a-each.pem") + &at("issuing.crt"));
    taken(folder.path(), &["ca", "root.crt", "ca.pem"]);
    assert_eq!(at("ca/chain.pem"), at("ca.pem") + &at("root.crt"));
    taken(folder.path(), &["each", "b-each.pem", "issuing.crt"]);
    let built = clustergen(folder.path(), &["build"], &[]);
    assert_eq!(code(&built), 0, "{}", text(&built));
}

/// What was signed for the old key is built and packed until the answer for the new one is there.
#[test]
fn a_request_with_a_new_key_leaves_the_old_one_in_use() {
    let folder = project();
    let at = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    taken(folder.path(), &["ca", "root.crt", "ca.pem"]);
    taken(folder.path(), &["www", "www.pem", "issuing.crt"]);
    taken(folder.path(), &["each", "a-each.pem", "b-each.pem", "issuing.crt"]);
    let key = || {
        for command in ["build", "pack"] {
            let done = clustergen(folder.path(), &[command], &[]);
            assert_eq!(code(&done), 0, "{}", text(&done));
            assert!(!text(&done).contains("not in the vault"), "{}", text(&done));
        }
        sh(folder.path(), "rm -rf a; unzip -q packs/a.zip");
        at(&format!("a/secrets/{}", at("out/a/files/etc/www.key").trim()))
    };
    let old = key();
    for name in ["www", "ca"] {
        let done = run(folder.path(), &["csr", "cluster.kdl", name, "--new-key", "-o", "."]);
        assert_eq!(code(&done), 0, "{}", text(&done));
    }
    assert_ne!(at("cluster.state/vault/keys/www.key"), old);
    assert_eq!(key(), old);
    let done = run(folder.path(), &["renew", "cluster.kdl", "ours"]);
    assert_eq!(code(&done), 0, "{}", text(&done));
    sh(folder.path(), SIGN);
    taken(folder.path(), &["www", "www.pem", "issuing.crt", "root.crt"]);
    assert_eq!(key(), at("cluster.state/vault/keys/www.key"));
}

#[test]
fn what_does_not_fit_is_told_and_nothing_is_written() {
    let folder = project();
    sh(
        folder.path(),
        r#"
        sign() { openssl x509 -req -in www.csr -CA issuing.crt -CAkey issuing.key "$@"; }
        sign -days 300 -out nameless.pem
        printf 'subjectAltName=DNS:www.example.net\nextendedKeyUsage=clientAuth\nkeyUsage=keyAgreement\n' > client.ext
        sign -days 300 -extfile client.ext -out client.pem
        openssl crl2pkcs7 -nocrl -certfile www.pem -out www.p7b
        openssl x509 -in www.pem -outform DER -out www.der
        openssl x509 -req -in ca.csr -CA root.crt -CAkey root.key -days 700 -out no-ca.pem
        sign -sha1 -days 300 -copy_extensions copy -out sha1.pem
        openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -subj /CN=rsa -days 900 -out rsa.crt
        openssl x509 -req -in www.csr -CA rsa.crt -CAkey rsa.key -md5 -days 300 -copy_extensions copy -out md5.pem
        openssl x509 -req -in issuing.csr -CA root.crt -CAkey root.key -sha1 -days 800 -extfile ca.ext -out old-issuing.pem
        printf 'subjectAltName=DNS:www.example.net\n1.2.3.4=critical,ASN1:NULL\n' > strange.ext
        sign -days 300 -extfile strange.ext -out strange.pem
        mkdir db; : > db/index.txt
        printf '[ca]\ndefault_ca=it\n[it]\ndatabase=db/index.txt\nnew_certs_dir=db\nrand_serial=yes\ndefault_md=sha256\npolicy=any\ncopy_extensions=copy\n[any]\ncommonName=optional\n' > ca.cnf
        openssl ca -batch -config ca.cnf -cert issuing.crt -keyfile issuing.key -in www.csr \
            -startdate 20900101000000Z -enddate 20910101000000Z -notext -out later.pem
        "#,
    );
    let before = tree(folder.path());
    for (args, said) in [
        (&["www", "a-each.pem"][..], "none of these is for the key of `www`"),
        (&["www", "root.crt", "issuing.crt"], "they are `root`, `issuing`"),
        (&["www", "nameless.pem"], "does not carry `www.example.net`"),
        (&["www", "client.pem"], "lacks serverAuth"),
        (&["www", "client.pem"], "lacks digitalSignature"),
        (&["www", "www.p7b"], "openssl pkcs7 -print_certs"),
        (&["www", "www.der"], "no certificate in PEM"),
        (&["www", "www.pem", "root.key"], "holds a private key"),
        (&["www", "www.csr"], "something else than certificates"),
        (&["ours", "www.pem"], "signed by the cluster's own authority"),
        (&["wwww", "www.pem"], "did you mean `www`?"),
        (&["www", "md5.pem"], "signed with MD5, which OpenSSL refuses: have it signed anew"),
        (&["www", "sha1.pem"], "signed with SHA-1"),
        (&["www", "www.pem", "old-issuing.pem"], "`issuing` is signed with SHA-1"),
        (&["www", "strange.pem"], "a critical extension, 1.2.3.4,"),
        (&["www", "later.pem"], "it begins on 2090-01-01"),
        (&["ca", "no-ca.pem", "root.crt"], "is no authority"),
        (&["ca", "ca.pem"], "which is no root"),
    ] {
        let done = run(folder.path(), &[&["import", "cluster.kdl"], args].concat());
        assert_eq!(code(&done), 1, "{args:?}: {}", text(&done));
        assert!(text(&done).contains(said), "{args:?}: {}", text(&done));
    }
    let done = run(folder.path(), &["import", "cluster.kdl", "www", "nothing.pem"]);
    assert_eq!(code(&done), 3, "{}", text(&done));
    assert!(before == tree(folder.path()), "something was written");
}

#[test]
fn an_import_that_is_killed_anywhere_leaves_the_file_old_or_new() {
    let folder = project();
    let at = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let files = vec![("www.pem".to_owned(), at("www.pem"))];
    let target = folder.path().join("certs/www.crt");
    fs::create_dir(folder.path().join("certs")).unwrap();
    let description = RealFolder(folder.path().to_owned());
    let mut bench = Bench::new(None);
    bench.state = RealFolder(folder.path().join("cluster.state"));
    for n in 1.. {
        fs::write(&target, "old\n").unwrap();
        let disk = Killed::after(n, true);
        let place = bench.place_on(&description, "cluster.kdl", &disk);
        let now = OffsetDateTime::now_utc();
        let done = import(place, folder.path(), "www", &files, now).is_ok();
        let left = fs::read_to_string(&target).unwrap();
        assert!(left == "old\n" || left == files[0].1, "killed at operation {n}: {left}");
        if done {
            assert!(n > 3 && left == files[0].1, "after {n} operations: {left}");
            break;
        }
    }
}
