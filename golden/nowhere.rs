//! Values are in the vault, and in what is carried to the host that they are for: nowhere else.
//!
//! One project uses everything that takes a secret; what every command prints and leaves is looked
//! through for every value, in every form.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::against::{GIT, git};
use crate::cli::{clustergen, code, text};
use crate::support::tree;
use crate::traces::Traces;
use crate::vault::ALICE;

/// Secrets that a person gives: `given-xml` is written as XML wants it.
const GIVEN: [&str; 9] =
    ["raw", "xml", "json", "url", "base64", "sh", "properties", "ini", "store"];

/// A sealed host, one that is not, and one that needs nothing; every kind of certificate and key.
pub fn everything(host_key: &str) -> String {
    let mut kdl = format!(
        r#"
cluster "c" domain="example.org" platform="debian-12" timezone="Etc/UTC"
host "a" address="192.0.2.1" {{ ssh-host-key "{host_key}"; }}
host "b" address="192.0.2.2"
host "idle" address="192.0.2.3"
secret "drawn" {{ generate length=40; }}
csync2 "data" {{ members "a" "b"; include "/srv/data"; }}
step "fill" {{ on "b"; file "password.sql" "{{{{ secret(\"given-raw\") }}}}"; run "true"; proof "true"; }}
keystore "app" {{ on "a"; path "/etc/app.p12"; password (secret)"given-store"; certificate "k256"; trust "ours"; }}
properties "/etc/app.properties" {{ on "a"; set "password" (secret)"given-properties"; missing "create"; }}
ini "/etc/app.ini" {{ on "b"; section "s" {{ set "password" (secret)"given-ini"; }}; missing "create"; }}
certificate "signed" {{ names "signed.example.org"; source "files" cert="signed.crt"; on "a" cert="/etc/s.crt" key="/etc/s.key"; }}
nginx "front" {{
    on "a"
    upstream "app" {{ servers "b" port=8443; tls "k384"; }}
    site "k256.example.org" {{ certificate "k256"; location "/" to="app"; }}
}}
"#
    );
    for (name, kind, host) in
        [("k256", "p-256", "a"), ("k384", "p-384", "b"), ("rsa", "rsa-3072", "b")]
    {
        kdl += &format!(
            "certificate \"{name}\" {{ names \"{name}.example.org\"; key-type \"{kind}\"; on \"{host}\" cert=\"/etc/{name}.crt\" key=\"/etc/{name}.key\"; }}\n"
        );
    }
    for name in GIVEN {
        kdl += &format!("secret \"given-{name}\" {{ prompt; }}\n");
    }
    let slot = |name: &str, form: &str| format!(" {{{{ secret(\\\"{name}\\\"{form}) }}}}");
    let mut content =
        slot("drawn", "") + &slot("drawn", ", \\\"ssha\\\"") + &slot("drawn", ", \\\"scram\\\"");
    for name in &GIVEN[..6] {
        let form = if *name == "raw" { String::new() } else { format!(", \\\"{name}\\\"") };
        content += &slot(&format!("given-{name}"), &form);
    }
    kdl + &format!("file \"/etc/app.conf\" {{ on \"a\"; mode \"0600\"; content \"{content}\"; }}\n")
}

/// What every format has to write in its own way.
pub fn planted(name: &str) -> String {
    format!("{name}-S3cr3t & <value> of 'ours' \"é\" = : % # \\ $x end")
}

/// A project in a repository; beside it the values that a person has, and a place for what is
/// left lying about.
pub struct Planted {
    folder: tempfile::TempDir,
    said: String,
}

impl Planted {
    pub fn new() -> Self {
        let planted = Self { folder: tempfile::tempdir().unwrap(), said: String::new() };
        for name in ["project", "tmp", "given"] {
            fs::create_dir(planted.at(name)).unwrap();
        }
        let mut keygen = Command::new("ssh-keygen");
        let made =
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(planted.at("host"));
        assert!(made.status().unwrap().success());
        fs::write(planted.at("alice"), ALICE[1]).unwrap();
        planted.says("");
        git(&planted.project(), &["init", "-q", "."]);
        planted
    }

    pub fn says(&self, more: &str) {
        let host_key = fs::read_to_string(self.at("host.pub")).unwrap();
        fs::write(self.project().join("cluster.kdl"), everything(host_key.trim()) + more).unwrap();
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn project(&self) -> PathBuf {
        self.at("project")
    }

    /// Runs a command, keeps what it says, and commits whatever git would take.
    pub fn runs(&mut self, args: &[&str], ends: i32) {
        let (tmp, identity) = (self.at("tmp"), self.at("alice"));
        let env = [
            ("TMPDIR", tmp.to_str().unwrap()),
            ("CLUSTERGEN_IDENTITY", identity.to_str().unwrap()),
            ("RUST_BACKTRACE", "1"),
        ];
        let done = clustergen(&self.project(), args, &env);
        assert_eq!(code(&done), ends, "{args:?}: {}", text(&done));
        self.said += &text(&done);
        git(&self.project(), &["add", "-A"]);
        git(&self.project(), &["commit", "-q", "--allow-empty", "-m", "said"]);
    }

    /// Takes in what a person has, and the certificate that somebody else signed.
    pub fn begin(&mut self) {
        self.runs(&["certs", "csr", "cluster.kdl", "signed", "-o", "requests"], 0);
        let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ../given/ca.key -out ../given/ca.crt -subj /CN=ca 2>&1 &&
            openssl x509 -req -in requests/signed.csr -CA ../given/ca.crt -CAkey ../given/ca.key -copy_extensions copy -out signed.crt 2>&1";
        let signed =
            Command::new("sh").args(["-c", script]).current_dir(self.project()).output().unwrap();
        assert!(signed.status.success(), "{}", text(&signed));
        self.runs(&["build"], 0);
        for name in GIVEN {
            let name = format!("given-{name}");
            fs::write(self.at("given/value"), planted(&name)).unwrap();
            self.runs(&["secrets", "set", "cluster.kdl", &name, "--from", "../given/value"], 0);
        }
        self.runs(&["build", "--timings"], 0);
    }

    /// What the vault holds now, where it is plain.
    fn vault(&self, traces: &mut Traces) {
        for (name, text) in tree(&self.project().join("cluster.state/vault")) {
            let is_key = text.contains("PRIVATE KEY");
            match name.as_str() {
                "lock" | "recipients" => {}
                _ if is_key => traces.add_key(&name, &text),
                _ => traces.add(&name, text.trim_end()),
            }
        }
    }

    /// Everything that lies about, but for the vault and what was packed.
    fn elsewhere(&self) -> BTreeMap<String, String> {
        let mut files = tree(&self.project());
        files.retain(|name, _| {
            let theirs = ["cluster.state/vault/", "packs/", ".git/objects/"];
            !theirs.iter().any(|it| name.starts_with(it))
        });
        files.extend(tree(&self.at("tmp")));
        files.insert("what was said".to_owned(), self.said.clone());
        files.insert("what git has".to_owned(), self.history());
        files
    }

    fn history(&self) -> String {
        let mut show = Command::new("git");
        let show = show.args(["cat-file", "--batch-all-objects", "--batch"]).envs(GIT);
        let done = show.current_dir(self.project()).output().unwrap();
        assert!(done.status.success() && done.stdout.len() > 100_000, "{}", done.stdout.len());
        text(&done)
    }
}

#[test]
fn no_command_leaves_a_value_anywhere_but_in_the_vault_and_in_archives() {
    let (mut planted, mut traces) = (Planted::new(), Traces::default());
    for name in GIVEN {
        traces.add(
            &format!("given-{name}, as a person has it"),
            &self::planted(&format!("given-{name}")),
        );
    }
    planted.begin();
    planted.vault(&mut traces);
    for args in [
        &["check"][..],
        &["check", "--format", "json"],
        &["diff"],
        &["links"],
        &["expand"],
        &["secrets", "list"],
        &["secrets", "list", "--json"],
        &["certs", "list"],
        &["certs", "list", "--json"],
        &["pack", "--as", "tar"],
        &["pack"],
        &["secrets", "rotate", "cluster.kdl", "drawn", "csync2[data]/key"],
        &["certs", "renew", "cluster.kdl", "k256"],
        &["build", "--format", "json", "--timings"],
        &["build", "--check"],
    ] {
        planted.runs(args, 0);
    }
    planted.vault(&mut traces);
    fails(&mut planted);
    planted.says(&format!("vault {{ recipient \"{}\"; }}\n", ALICE[0]));
    planted.runs(&["secrets", "rekey"], 0);
    planted.runs(&["secrets", "rotate", "cluster.kdl", "drawn"], 0);
    planted.runs(&["build"], 0);
    let vault = tree(&planted.project().join("cluster.state/vault"));
    assert!(vault.len() > 20);
    assert_eq!(traces.find_in(&vault), [""; 0], "the encrypted vault");
    planted.says("");
    planted.runs(&["secrets", "rekey"], 0);
    planted.vault(&mut traces);
    assert_eq!(traces.find_in(&planted.elsewhere()), [""; 0]);
    assert_eq!(tree(&planted.at("tmp")).len(), 0, "something is left");
    // the finder sees what is there
    let kept = traces.find_in(&tree(&planted.project().join("cluster.state/vault")));
    assert!(kept.len() > 30, "{kept:#?}");
}

/// Whoever says what is wrong with a value does not say the value.
fn fails(planted: &mut Planted) {
    let value = planted.at("given/value");
    let vault = planted.project().join("cluster.state/vault");
    // what an ini file cannot carry, as it is taken in, and where it gets one afterwards
    fs::write(&value, format!("{}\nand more", self::planted("given-raw"))).unwrap();
    planted.runs(&["secrets", "set", "cluster.kdl", "given-ini", "--from", "../given/value"], 1);
    planted.runs(&["secrets", "set", "cluster.kdl", "given-raw", "--from", "../given/value"], 0);
    let into = "ini \"/etc/more.ini\" { on \"b\"; section \"s\" { set \"k\" (secret)\"given-raw\"; }; missing \"create\"; }\n";
    planted.says(into);
    planted.runs(&["build"], 0);
    planted.runs(&["pack"], 1);
    planted.says("");
    fs::write(&value, self::planted("given-raw")).unwrap();
    planted.runs(&["secrets", "set", "cluster.kdl", "given-raw", "--from", "../given/value"], 0);
    planted.runs(&["build"], 0);
    // a value where a key, a person's key or a description should be
    fs::write(&value, self::planted("given-raw")).unwrap();
    let key = vault.join("keys/a/k256.key");
    let old = fs::read(&key).unwrap();
    fs::copy(&value, &key).unwrap();
    planted.runs(&["pack"], 1);
    planted.runs(&["certs", "renew", "cluster.kdl", "k256"], 1);
    fs::write(&key, old).unwrap();
    planted.runs(&["check", "--identity", "../given/value"], 3);
    planted.runs(&["secrets", "set", "cluster.kdl", "no-such", "--from", "../given/value"], 1);
    fs::write(&value, format!("{}\0", self::planted("given-raw"))).unwrap();
    planted.runs(&["secrets", "set", "cluster.kdl", "given-raw", "--from", "../given/value"], 1);
}
