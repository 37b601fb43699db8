//! Archives of the hosts: what is in them, as real programs read them, who signed it, and when none
//! is written.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::cli::{clustergen, code, text};
use crate::support::{compare_tree, no_faults, tree};

/// Two hosts with a secret each, one of both, one that a person gives, and a long path.
const DESCRIPTION: &str = r#"
cluster "c" domain="example.net" platform="debian-12" timezone="Etc/UTC"
host "a" address="10.0.0.1"
host "b" address="10.0.0.2"
secret "both" { generate; }
secret "of-a" { generate length=48; }
secret "of-b" { generate length=48; }
secret "given" { prompt; }
certificate "www" {
    names "www.example.net"
    on "a" "b" cert="/etc/ssl/www.crt" key="/etc/ssl/www.key"
}
file "/etc/app/a.conf" {
    on "a"
    content "{{ secret(\"both\") }} {{ secret(\"of-a\") }} {{ secret(\"given\") }}"
    mode "0600"
}
file "/etc/app/b.conf" { on "b"; content "{{ secret(\"both\") }} {{ secret(\"of-b\") }}"; mode "0600"; }
file "/srv/a-folder-with-a-long-name/and-another-one-in-it-with-a-longer-name/and-one-more-below-these-two/end.conf" {
    on "a"
    content "far down"
}
"#;

const GIVEN: &str = "what only the person knows";

/// Built, with the value that the person gives in the vault.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), DESCRIPTION).unwrap();
    let built = clustergen(folder.path(), &["build"], &[]);
    assert_eq!(code(&built), 0, "{}", text(&built));
    fs::write(folder.path().join("cluster.state/vault/secrets/given"), GIVEN).unwrap();
    folder
}

fn packed(folder: &Path, args: &[&str]) {
    let done = clustergen(folder, &[&["pack"], args].concat(), &[]);
    assert_eq!(code(&done), 0, "{}", text(&done));
}

/// What a program says of an archive, in UTC.
fn read(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new(words[0]);
    let output = command.args(&words[1..]).current_dir(folder).env("TZ", "UTC").output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", text(&output));
    assert!(output.stderr.is_empty(), "{words:?}: {}", text(&output));
    text(&output)
}

/// Modes, owners, dates and names; sizes and digests, which differ from vault to vault, left out.
fn listing(said: &str, size: usize) -> String {
    let mut lines = String::new();
    for line in said.lines().filter(|line| line.starts_with(['d', '-', 'l'])) {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.remove(size);
        let line = words.join(" ");
        lines.push_str(&masked(&line));
        lines.push('\n');
    }
    lines
}

/// Tokens without their digests, which differ from vault to vault.
fn masked(text: &str) -> String {
    let mut parts = text.split("CGSECRET_");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        let name = part[..end].rsplit_once('_').unwrap().0;
        out.push_str(&format!("CGSECRET_{name}_…{}", &part[end..]));
    }
    out
}

#[test]
fn archives_are_as_stored_when_unzip_and_tar_read_them() {
    let folder = project();
    packed(folder.path(), &[]);
    packed(folder.path(), &["--as", "tar"]);
    let mut came = BTreeMap::new();
    for host in ["a", "b"] {
        let zip = read(folder.path(), &["unzip", "-Z", &format!("packs/{host}.zip")]);
        let tar = read(folder.path(), &["tar", "tvf", &format!("packs/{host}.tar")]);
        came.insert(format!("{host}.zip"), listing(&zip, 3));
        came.insert(format!("{host}.tar"), listing(&tar, 2));
    }
    let mut faults = Vec::new();
    compare_tree(&crate::support::golden().join("pack/listed"), &came, &mut faults);
    no_faults(&faults);
}

#[test]
fn what_comes_out_is_the_bundle_with_its_values_and_modes() {
    let folder = project();
    packed(folder.path(), &[]);
    packed(folder.path(), &["--as", "tar"]);
    for (form, words) in
        [("zip", ["unzip", "-q", "../packs/a.zip"]), ("tar", ["tar", "xpf", "../packs/a.tar"])]
    {
        let unpacked = folder.path().join(form);
        fs::create_dir(&unpacked).unwrap();
        read(&unpacked, &words);
        let mut files = tree(&unpacked.join("a"));
        let secrets: BTreeMap<String, String> =
            files.extract_if(.., |name, _| name.starts_with("secrets/")).collect();
        let mut bundle = tree(&folder.path().join("out/a"));
        bundle.remove("changes.diff").unwrap();
        assert_eq!(files, bundle, "{form}");
        let manifest: serde_json::Value = serde_json::from_str(&bundle["manifest.json"]).unwrap();
        let tokens = manifest["secrets"].as_object().unwrap();
        assert_eq!(tokens.len(), secrets.len());
        let vault = folder.path().join("cluster.state/vault");
        for (token, secret) in tokens {
            let secret = secret.as_str().unwrap();
            let file = match secret.strip_prefix("key/") {
                Some(key) => vault.join(format!("keys/{key}.key")),
                None => vault.join("secrets").join(secret),
            };
            assert_eq!(secrets[&format!("secrets/{token}")], fs::read_to_string(file).unwrap());
        }
        for (path, mode) in [("a", 0o700), ("a/secrets", 0o700), ("a/apply.sh", 0o755)] {
            let found = fs::metadata(unpacked.join(path)).unwrap().permissions().mode() & 0o7777;
            assert_eq!(found, mode, "{form}: {path}");
        }
    }
}

#[test]
fn the_bytes_are_the_same_whoever_packs_when_and_where() {
    let folder = project();
    let mut archives = Vec::new();
    for (umask, zone, language) in [
        ("022", "UTC", "C"),
        ("077", "Asia/Kathmandu", "de_DE.UTF-8"),
        ("000", "America/Chicago", "C"),
    ] {
        let script =
            "umask $1; for form in zip tar; do \"$2\" pack --as $form --to \"packs.$1\"; done";
        let mut command = Command::new("sh");
        command.args(["-ec", script, "sh", umask, env!("CARGO_BIN_EXE_clustergen")]);
        command.current_dir(folder.path()).env("TZ", zone).env("LC_ALL", language);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", text(&done));
        let to = folder.path().join(format!("packs.{umask}"));
        let mut bytes = BTreeMap::new();
        for name in ["a.zip", "a.tar", "b.zip", "b.tar"] {
            let path = to.join(name);
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode, 0o600, "{name} under umask {umask}");
            bytes.insert(name, fs::read(&path).unwrap());
        }
        archives.push(bytes);
    }
    assert_eq!(archives[0], archives[1]);
    assert_eq!(archives[0], archives[2]);
}

#[test]
fn no_archive_has_a_value_of_another_host() {
    let folder = project();
    packed(folder.path(), &[]);
    packed(folder.path(), &["--as", "tar"]);
    let vault = tree(&folder.path().join("cluster.state/vault"));
    assert_eq!(vault.len(), 9, "values of both hosts, three keys, the lock: {:?}", vault.keys());
    for (host, own) in [
        ("a", ["keys/a/www.key", "secrets/both", "secrets/given", "secrets/of-a"].as_slice()),
        ("b", &["keys/b/www.key", "secrets/both", "secrets/of-b"]),
    ] {
        for form in ["zip", "tar"] {
            let bytes = fs::read(folder.path().join(format!("packs/{host}.{form}"))).unwrap();
            let told = vault.iter().filter(|(_, value)| shown(&bytes, value.as_bytes()));
            let told: Vec<&str> = told.map(|(name, _)| name.as_str()).collect();
            assert_eq!(told, own, "{host}.{form}");
        }
    }
}

/// Whether a value, or the body of a private key, stands in bytes: as it is, in hexadecimal
/// digits, or in base64 at any of its three offsets.
fn shown(bytes: &[u8], value: &[u8]) -> bool {
    let lines = value.split(|byte| *byte == b'\n');
    let core =
        lines.filter(|line| !line.starts_with(b"-----")).max_by_key(|line| line.len()).unwrap();
    let hex = core.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut forms = vec![core.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    for skipped in 0..3 {
        // what stands at the ends depends on what is beside it
        let whole = (core.len() - skipped) / 3 * 3;
        forms.push(base64(&core[skipped..skipped + whole]).into_bytes());
    }
    forms.iter().any(|form| bytes.windows(form.len()).any(|it| it == form.as_slice()))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks_exact(3) {
        let all = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for shift in [18, 12, 6, 0] {
            out.push(char::from(LETTERS[(all >> shift) as usize % 64]));
        }
    }
    out
}

#[test]
fn values_are_found_in_each_form_that_is_looked_for() {
    let value = b"correct horse battery";
    assert_eq!(base64(b"Man"), "TWFu");
    for before in ["", "x", "xy"] {
        let whole = format!("{before}correct horse battery!!");
        let whole = &whole.as_bytes()[..whole.len() / 3 * 3];
        assert!(shown(base64(whole).as_bytes(), value), "{before}");
    }
    assert!(shown(b"a correct horse battery b", value));
    assert!(shown(b"636f727265637420686f7273652062617474657279", value));
    assert!(!shown(b"wrong horse", value));
}

#[test]
fn one_host_is_packed_over_what_lies_there_and_no_link_is_followed() {
    let folder = project();
    let to = folder.path().join("to");
    fs::create_dir(&to).unwrap();
    fs::write(folder.path().join("elsewhere"), "mine").unwrap();
    symlink("../elsewhere", to.join("a.zip")).unwrap();
    symlink("../elsewhere", to.join(".a.zip.new")).unwrap();
    packed(folder.path(), &["--host", "a", "--to", "to"]);
    assert_eq!(fs::read_to_string(folder.path().join("elsewhere")).unwrap(), "mine");
    assert!(to.join("a.zip").symlink_metadata().unwrap().is_file());
    assert_eq!(tree(&to).into_keys().collect::<Vec<_>>(), [".gitignore", "a.zip"]);
    packed(folder.path(), &[]);
    assert_eq!(
        tree(&folder.path().join("packs")).into_keys().collect::<Vec<_>>(),
        [".gitignore", "a.zip", "b.zip"]
    );
}

/// Somebody adds all that is there, whatever the folder was before.
#[test]
fn no_archive_is_committed_by_accident() {
    for (rules, files) in [(None, &["mine"][..]), (Some("*.log"), &["mine"]), (Some(""), &[])] {
        let folder = project();
        let to = folder.path().join("to");
        fs::create_dir(&to).unwrap();
        for name in files {
            fs::write(to.join(name), "mine").unwrap();
        }
        if let Some(rules) = rules {
            fs::write(to.join(".gitignore"), rules).unwrap();
        }
        packed(folder.path(), &["--to", "to"]);
        let told = fs::read_to_string(to.join(".gitignore")).unwrap();
        assert!(told.starts_with(rules.unwrap_or_default()), "{told}");
        packed(folder.path(), &["--to", "to"]);
        assert_eq!(told, fs::read_to_string(to.join(".gitignore")).unwrap());
        // what a write that was killed leaves has values in it too
        fs::write(to.join(".a.zip.new"), "half").unwrap();
        let mut git = Command::new("sh");
        git.args(["-ec", "git init -q .; git add -A; git ls-files to"]).current_dir(folder.path());
        let listed = text(&git.output().unwrap());
        let listed: Vec<&str> = listed.lines().collect();
        let files: Vec<String> = files.iter().map(|name| format!("to/{name}")).collect();
        assert_eq!(listed, [&["to/.gitignore".to_owned()], &files[..]].concat());
    }
}

/// What is done to a project, or how it is packed, and what is said then.
type Damage = (&'static str, &'static [&'static str], fn(&Path));

fn write(path: &Path, text: &str) {
    let _ = fs::remove_file(path);
    fs::write(path, text).unwrap();
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

const DAMAGE: [Damage; 18] = [
    ("nothing-was-built", &[], |it| fs::remove_dir_all(it.join("out")).unwrap()),
    ("the-description-changed", &[], |it| {
        write(&it.join("cluster.kdl"), &DESCRIPTION.replace("far down", "farther down"));
    }),
    ("the-description-is-wrong", &[], |it| {
        write(&it.join("cluster.kdl"), &DESCRIPTION.replace("secret \"both\"", "secrte \"both\""));
    }),
    ("a-file-was-edited-by-hand", &[], |it| {
        write(&it.join("out/b/files/etc/app/b.conf"), "mine\n");
    }),
    ("the-sums-of-another-host-were-edited", &["--host", "a"], |it| {
        let sums = it.join("out/b/SHA256SUMS");
        write(&sums, &(fs::read_to_string(&sums).unwrap() + "\n"));
    }),
    ("a-file-is-gone", &[], |it| remove(&it.join("out/b/files/etc/app/b.conf"))),
    ("a-strange-file-came", &[], |it| write(&it.join("out/a/files/etc/app/stranger"), "mine\n")),
    ("the-vault-is-not-here", &[], |it| {
        fs::remove_dir_all(it.join("cluster.state/vault")).unwrap();
    }),
    ("a-drawn-value-is-missing", &[], |it| remove(&it.join("cluster.state/vault/secrets/both"))),
    ("a-given-value-is-missing", &[], |it| remove(&it.join("cluster.state/vault/secrets/given"))),
    ("a-private-key-is-missing", &[], |it| remove(&it.join("cluster.state/vault/keys/b/www.key"))),
    ("an-empty-value", &[], |it| write(&it.join("cluster.state/vault/secrets/given"), "")),
    ("a-value-of-another-vault", &[], |it| {
        write(&it.join("cluster.state/vault/secrets/both"), "x");
    }),
    ("a-key-of-another-host", &[], |it| {
        let keys = it.join("cluster.state/vault/keys");
        fs::copy(keys.join("a/www.key"), keys.join("b/www.key")).unwrap();
    }),
    ("the-key-of-digests-is-missing", &[], |it| remove(&it.join("cluster.state/vault/digest.key"))),
    ("a-host-that-is-not-there", &["--host", "aa"], |_| {}),
    ("into-the-output", &["--to", "out/packs/new"], |_| {}),
    ("into-the-state-by-a-link", &["--to", "link/new"], |it| {
        symlink("cluster.state", it.join("link")).unwrap();
    }),
];

#[test]
fn nothing_is_packed_that_could_not_be_applied_and_it_is_told_as_stored() {
    let mut came = BTreeMap::new();
    let good = project();
    for (claim, args, damage) in DAMAGE {
        let folder = tempfile::tempdir().unwrap();
        let copied =
            Command::new("cp").arg("-a").arg(good.path().join(".")).arg(folder.path()).status();
        assert!(copied.unwrap().success());
        damage(folder.path());
        let before = tree(folder.path());
        let done = clustergen(folder.path(), &[&["pack"], args].concat(), &[]);
        assert!(before == tree(folder.path()), "{claim}: something was written");
        assert!(!folder.path().join("packs").exists(), "{claim}: a folder was made");
        came.insert(format!("{claim}.txt"), format!("{}[{}]\n", masked(&text(&done)), code(&done)));
    }
    let mut faults = Vec::new();
    compare_tree(&crate::support::golden().join("pack/refused"), &came, &mut faults);
    no_faults(&faults);
}

#[test]
fn other_hosts_values_may_be_missing_where_one_is_packed() {
    let folder = project();
    remove(&folder.path().join("cluster.state/vault/secrets/given"));
    packed(folder.path(), &["--host", "b"]);
    assert!(!folder.path().join("packs/a.zip").exists());
}

/// As after a renewal whose commit was reverted: the lock names what another value has replaced.
#[test]
fn what_a_one_time_step_alone_needs_may_come_later() {
    let step = "\nstep \"load\" { on \"b\"; file \"pin\" \"{{ secret(\\\"given\\\") }}\"; proof \"false\"; }\n";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), DESCRIPTION.to_owned() + step).unwrap();
    assert_eq!(code(&clustergen(folder.path(), &["build"], &[])), 0);
    let done = clustergen(folder.path(), &["pack", "--host", "b"], &[]);
    let said = text(&done);
    assert_eq!(code(&done), 0, "{said}");
    assert!(
        said.contains("`given` is not in the vault yet") && said.contains("pack again"),
        "{said}"
    );
    let list = read(folder.path(), &["unzip", "-l", "packs/b.zip"]);
    assert!(list.contains("steps/load/pin") && !list.contains("CGSECRET_given"), "{list}");
    // a file of the host itself cannot wait
    assert_eq!(code(&clustergen(folder.path(), &["pack", "--host", "a"], &[])), 1);
}

#[test]
fn a_value_that_was_replaced_is_found_by_the_digest_that_the_lock_names() {
    let folder = project();
    let vault = folder.path().join("cluster.state/vault");
    let lock = fs::read_to_string(folder.path().join("cluster.state/lock")).unwrap();
    let digest = |line: &str, start: &str| {
        let line = lock.lines().find(|it| it.starts_with(line)).unwrap();
        line.split(' ').filter_map(|it| it.strip_prefix(start)).next_back().unwrap()[..8].to_owned()
    };
    let mut values = Vec::new();
    for (name, digest) in [
        ("keys/a/www.key", digest("certificate a/www ", "key=")),
        ("secrets/of-a", digest("secret of-a ", "")),
    ] {
        let (now, old) = (vault.join(name), vault.join(format!("{name}.{digest}")));
        values.push(fs::read(&now).unwrap());
        fs::rename(&now, &old).unwrap();
        fs::copy(vault.join(name.replace("a/", "b/").replace("of-a", "of-b")), &now).unwrap();
    }
    packed(folder.path(), &["--host", "a"]);
    read(folder.path(), &["unzip", "-q", "packs/a.zip"]);
    let secrets = tree(&folder.path().join("a/secrets"));
    for value in values {
        let value = String::from_utf8(value).unwrap();
        assert!(secrets.values().any(|it| *it == value), "{value} was not packed");
    }
}

/// Runs a program in a folder, without input.
fn run(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(folder).stdin(Stdio::null());
    command.output().unwrap()
}

fn key(folder: &Path, name: &str, passphrase: &str) {
    let words = ["ssh-keygen", "-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f", name];
    assert!(run(folder, &words).status.success());
}

/// What of a folder `SIGNED` and its signature say nothing about, or not the truth.
fn judged(folder: &Path) -> String {
    let script = "ssh-keygen -Y verify -f ../signers -I me -n clustergen -s SIGNED.sig <SIGNED >&2
        sha256sum -c --quiet SIGNED SHA256SUMS >&2
        find . -type f ! -name 'SIGNED*' | sed 's:^./::' | while read -r file; do
            grep -Fq \"  $file\" SIGNED SHA256SUMS || echo \"$file\"
        done";
    let done = run(folder, &["sh", "-ec", script]);
    assert!(done.status.success(), "{}", text(&done));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn an_archive_is_signed_with_all_that_is_in_it() {
    let folder = project();
    let at = folder.path();
    key(at, "key", "");
    let public = fs::read_to_string(at.join("key.pub")).unwrap();
    fs::write(at.join("signers"), format!("me {public}")).unwrap();
    let done = clustergen(at, &["pack", "--as", "tar", "--sign", "key"], &[("TMPDIR", ".")]);
    assert_eq!(code(&done), 0, "{}", text(&done));
    let told =
        "./packs/a.tar: 11 files, 4 secrets, signed\n./packs/b.tar: 10 files, 3 secrets, signed\n";
    assert_eq!(text(&done), told, "and nothing of ssh-keygen's");
    for host in ["a", "b"] {
        assert!(run(at, &["tar", "xpf", &format!("packs/{host}.tar")]).status.success());
        assert_eq!(judged(&at.join(host)), "");
        for name in ["SIGNED", "SIGNED.sig"] {
            let mode = fs::metadata(at.join(host).join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "a short password could be guessed from its sum");
        }
    }
    let left = fs::read_dir(at).unwrap().map(|it| it.unwrap().file_name());
    assert!(left.into_iter().all(|it| !it.to_string_lossy().starts_with("clustergen.")));
}

#[test]
fn an_agent_signs_with_the_private_half_of_a_public_key() {
    let folder = project();
    let at = folder.path();
    key(at, "key", "");
    let script = "trap 'kill $SSH_AGENT_PID' EXIT
        eval \"$(ssh-agent -a \"$PWD/agent\")\" >/dev/null
        ssh-add -q key
        rm key
        \"$1\" pack --sign key.pub --host b";
    let done = run(at, &["sh", "-ec", script, "sh", env!("CARGO_BIN_EXE_clustergen")]);
    assert_eq!(text(&done), "./packs/b.zip: 10 files, 3 secrets, signed\n");
}

#[test]
fn a_passphrase_is_asked_for_once() {
    let folder = project();
    let at = folder.path();
    key(at, "locked", "open sesame");
    write(&at.join("ask"), "#!/bin/sh\necho \"$1\" >>asked\necho open sesame\n");
    fs::set_permissions(at.join("ask"), PermissionsExt::from_mode(0o755)).unwrap();
    let ask = [("SSH_ASKPASS", "./ask"), ("SSH_ASKPASS_REQUIRE", "force"), ("DISPLAY", ":0")];
    let done = clustergen(at, &["pack", "--sign", "locked"], &ask);
    assert_eq!(code(&done), 0, "{}", text(&done));
    assert_eq!(text(&done).matches(" signed\n").count(), 2, "{}", text(&done));
    assert_eq!(fs::read_to_string(at.join("asked")).unwrap().lines().count(), 1);
}

#[test]
fn nothing_is_packed_where_the_key_does_not_sign() {
    let folder = project();
    let at = folder.path();
    key(at, "locked", "a passphrase that nobody is there to give");
    key(at, "lone", "");
    remove(&at.join("lone"));
    fs::create_dir(at.join("old")).unwrap();
    // as OpenSSH 8.0 says it
    write(&at.join("old/ssh-keygen"), "#!/bin/sh\necho 'unknown option -- Y' >&2\nexit 1\n");
    fs::set_permissions(at.join("old/ssh-keygen"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let before = tree(at);
    for (key, path) in [
        ("locked", &*path),
        ("lone.pub", &path),
        ("nowhere", &path),
        ("cluster.kdl", &path),
        ("lone.pub", "old"),
        ("lone.pub", "nowhere"),
    ] {
        // without a terminal, wherever the tests are run
        let mut command = Command::new("/usr/bin/setsid");
        command.args(["--wait", env!("CARGO_BIN_EXE_clustergen"), "pack", "--sign", key]);
        command.current_dir(at).stdin(Stdio::null());
        command.env("PATH", path).env("TMPDIR", at);
        let done = command.env_remove("SSH_AUTH_SOCK").env_remove("DISPLAY").output().unwrap();
        let why = match path {
            "nowhere" => {
                "ssh-keygen is not installed, and `--sign` signs by it (package openssh-client, or openssh-clients)".to_owned()
            }
            _ => format!(
                "ssh-keygen did not sign with `{key}`, and said why: name a private key that you may use, or a public one whose private half an agent has; OpenSSH signs since 8.1"
            ),
        };
        let told = text(&done);
        assert_eq!(code(&done), 3, "{told}");
        assert!(told.ends_with(&format!("clustergen: {why}\n")), "{told}");
        assert!(path == "nowhere" || told.lines().count() > 1, "ssh-keygen says why: {told}");
        assert!(tree(at) == before && !at.join("packs").exists(), "something was written");
    }
}
