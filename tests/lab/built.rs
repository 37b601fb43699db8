//! A description, built by the real binary.
//!
//! In: KDL. Out: bundles with the values of their secrets, faults with their lines.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::host::Host;
use crate::trees::{entries, name_of, repository};

/// A description in a folder of its own, and what was built from it.
pub(crate) struct Built {
    folder: TempDir,
}

/// A fault as `--format short` tells it.
#[derive(Debug)]
pub(crate) struct Fault {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Built {
    /// Builds a description that has to be right.
    pub(crate) fn of(kdl: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let built = Self { folder };
        built.rebuild(kdl);
        built
    }

    /// Builds a description whose folder has to be made ready first.
    pub(crate) fn prepared(kdl: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(folder.path().join("cluster.kdl"), kdl).unwrap();
        prepare(folder.path());
        let built = Self { folder };
        built.rebuild(kdl);
        built
    }

    /// Builds one of `examples/`.
    pub(crate) fn example(name: &str) -> Self {
        Self::of(&fs::read_to_string(examples().join(name)).expect("an example"))
    }

    /// Builds another description with the same state.
    pub(crate) fn rebuild(&self, kdl: &str) {
        fs::write(self.folder.path().join("cluster.kdl"), kdl).unwrap();
        self.again();
    }

    /// Builds what the folder has now.
    pub(crate) fn again(&self) {
        let out = self.folder.path().join("out");
        let done = clustergen(self.folder.path(), &["build", "cluster.kdl", "-o"], Some(&out));
        let kdl = fs::read_to_string(self.folder.path().join("cluster.kdl")).unwrap();
        assert!(done.status.success(), "{}\nfor\n{kdl}", said(&done));
    }

    /// Makes certificates anew, as `certs renew` calls them, and builds.
    pub(crate) fn renewed(&self, names: &[&str]) {
        self.after(&[&["certs", "renew", "cluster.kdl"], names].concat());
    }

    /// The same, and nobody is to believe the old ones.
    pub(crate) fn revoked(&self, names: &[&str]) {
        self.after(&[&["certs", "revoke", "cluster.kdl"], names].concat());
    }

    /// Draws a secret anew, and builds.
    pub(crate) fn rotated(&self, name: &str) {
        self.after(&["secrets", "rotate", "cluster.kdl", name]);
    }

    /// Takes in the value of a secret that the description has in `NAME.secret`, and builds.
    pub(crate) fn given(&self, name: &str, value: &str) {
        fs::write(self.folder.path().join(format!("{name}.secret")), value).unwrap();
        self.after(&["secrets", "set", "cluster.kdl", name]);
    }

    /// Builds after a command that changes the state.
    fn after(&self, words: &[&str]) {
        let done = clustergen(self.folder.path(), words, None);
        assert!(done.status.success(), "{}", said(&done));
        self.again();
    }

    /// What `check` finds in a description; nothing where it is right.
    ///
    /// A fault has exit code 1, a place and words: anything else is a fault of clustergen's.
    pub(crate) fn faults(kdl: &str) -> Vec<Fault> {
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(folder.path().join("cluster.kdl"), kdl).unwrap();
        let done = clustergen(folder.path(), &["--format", "short", "check", "cluster.kdl"], None);
        let told = said(&done);
        let faults: Vec<Fault> = told.lines().filter_map(fault).collect();
        match done.status.code() {
            Some(0) => assert!(faults.is_empty(), "right and wrong at once: {told}"),
            Some(1) => assert!(!faults.is_empty(), "refused without a place: {told}\n{kdl}"),
            _ => panic!("`check` ended with {}: {told}\n{kdl}", done.status),
        }
        faults
    }

    /// The description's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn hosts(&self) -> Vec<String> {
        Self::hosts_in(&self.folder.path().join("out"))
    }

    /// The hosts that have a bundle in a folder.
    pub(crate) fn hosts_in(folder: &Path) -> Vec<String> {
        let built = entries(folder).into_iter();
        let bundles = built.filter(|path| path.join("manifest.json").exists());
        bundles.map(|path| name_of(&path)).collect()
    }

    pub(crate) fn bundle(&self, host: &str) -> PathBuf {
        self.folder.path().join("out").join(host)
    }

    /// What `clustergen links --json` says of the description.
    pub(crate) fn links(&self) -> Value {
        let done = clustergen(self.folder.path(), &["links", "--json"], None);
        assert!(done.status.success(), "{}", said(&done));
        serde_json::from_slice(&done.stdout).expect("JSON")
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.folder.path().join("cluster.state").join("vault")
    }

    pub(crate) fn manifest(&self, host: &str) -> Value {
        let text = fs::read_to_string(self.bundle(host).join("manifest.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The text of a file as the bundle has it, tokens in place of secrets.
    pub(crate) fn file(&self, host: &str, path: &str) -> String {
        let path = self.bundle(host).join("files").join(path.trim_start_matches('/'));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Packs a host's bundle with its secrets into an archive.
    pub(crate) fn packed(&self, host: &str, form: &str) -> PathBuf {
        self.packed_with(&[], host, form)
    }

    /// As `packed`, with more to say.
    pub(crate) fn packed_with(&self, more: &[&str], host: &str, form: &str) -> PathBuf {
        let to = self.folder.path().join("packs");
        let words = [&["pack", "--as", form, "--host", host], more].concat();
        let done = clustergen(self.folder.path(), &words, None);
        assert!(done.status.success(), "{}", said(&done));
        to.join(format!("{host}.{form}"))
    }

    /// Secrets of a host by token.
    pub(crate) fn secrets(&self, host: &str) -> BTreeMap<String, String> {
        let secrets = entries(&self.secrets_folder(host)).into_iter();
        secrets.map(|path| (name_of(&path), fs::read_to_string(&path).unwrap())).collect()
    }

    /// The folder that `apply.sh --secrets` reads: that of the host's archive.
    pub(crate) fn secrets_folder(&self, host: &str) -> PathBuf {
        let to = self.folder.path().join("unpacked");
        let _ = fs::remove_dir_all(to.join(host));
        fs::create_dir_all(&to).unwrap();
        let archive = self.packed(host, "tar");
        let tar = Command::new("tar").arg("xpf").arg(archive).arg("-C").arg(&to).output().unwrap();
        assert!(tar.status.success(), "{}", said(&tar));
        let secrets = to.join(host).join("secrets");
        fs::create_dir_all(&secrets).unwrap(); // a host without secrets has none
        secrets
    }

    /// Runs the bundle's own `apply.sh --root`.
    pub(crate) fn apply(&self, host: &str, root: &Path) -> Output {
        Command::new("sh")
            .arg(self.bundle(host).join("apply.sh"))
            .arg("--root")
            .arg(root)
            .arg("--secrets")
            .arg(self.secrets_folder(host))
            .output()
            .expect("sh")
    }

    /// A host of namespaces with its bundle installed.
    pub(crate) fn installed(&self, name: &str) -> Host {
        let host = Host::start(name);
        let done = self.apply(name, &host.root());
        assert!(done.status.success(), "apply.sh on {name}: {}", said(&done));
        host
    }
}

/// `examples/` of the repository.
pub(crate) fn examples() -> PathBuf {
    repository("examples")
}

/// File names in `examples/`, sorted.
pub(crate) fn example_names() -> Vec<String> {
    let names = entries(&examples()).into_iter().map(|path| name_of(&path));
    names.filter(|name| name.ends_with(".kdl")).collect()
}

/// Standard output and standard error.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("[{}] {}{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// A string of KDL that means `text`.
pub(crate) fn kdl(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_ascii_graphic() || c == ' ' => out.push(c),
            c => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

fn clustergen(folder: &Path, args: &[&str], last: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clustergen"));
    command.current_dir(folder).args(args).args(last).output().expect("clustergen")
}

/// Runs clustergen where a description is, on a terminal on which something is typed.
pub(crate) fn clustergen_in(folder: &Path, args: &str, typed: &str) -> Output {
    let line = format!("{} {args}", env!("CARGO_BIN_EXE_clustergen"));
    let mut command = Command::new("script");
    command.current_dir(folder).args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{typed}\n").as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// `cluster.kdl:4:9: error[CG0101]: …`
fn fault(line: &str) -> Option<Fault> {
    let rest = line.split_once("cluster.kdl:")?.1;
    let line_number = rest.split(':').next()?.parse().ok()?;
    line.contains(": error[").then(|| Fault { line: line_number, text: line.to_owned() })
}
