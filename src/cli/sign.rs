//! Signatures by an SSH key.
//!
//! In: texts, and the key as `ssh-keygen -Y sign -f` takes it. Out: signatures as `ssh-keygen -Y
//! verify` reads them (OpenSSH's PROTOCOL.sshsig). The program signs, so that agents, hardware keys
//! and passphrases work as they do for git. Not here: what is signed.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::disk::{Disk, RealDisk};
use crate::pack::Sign;

/// What a signature is for: one that was made for git or for a mail is none of a bundle.
const NAMESPACE: &str = "clustergen";

/// The program, with a key.
pub(super) struct Keygen<'a> {
    pub(super) key: &'a Path,
}

impl Sign for Keygen<'_> {
    fn sign(&self, texts: &[String]) -> Result<Vec<Vec<u8>>, String> {
        let odd = |error: io::Error| format!("what is to be signed cannot be laid down: {error}");
        let scratch = Scratch::new().map_err(odd)?;
        let mut paths = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            let path = scratch.0.join(number.to_string());
            RealDisk.create(&path, text.as_bytes(), 0o600).map_err(odd)?;
            paths.push(path);
        }
        self.run(&paths)?;
        let read = |path: &PathBuf| fs::read(path.with_extension("sig"));
        paths.iter().map(read).collect::<io::Result<_>>().map_err(odd)
    }
}

impl Keygen<'_> {
    /// Signs files; a signature lies beside each. The terminal is the program's: it asks for a
    /// passphrase there, or to touch a key, and complains.
    fn run(&self, paths: &[PathBuf]) -> Result<(), String> {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(self.key).args(paths);
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(format!(
                "ssh-keygen did not sign with `{}`, and said why: name a private key that you may use, or a public one whose private half an agent has; OpenSSH signs since 8.1",
                self.key.display()
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(
                "ssh-keygen is not installed, and `--sign` signs by it (package openssh-client, or openssh-clients)".to_owned()
            ),
            Err(error) => Err(format!("ssh-keygen cannot be run: {error}")),
        }
    }
}

/// A folder that nobody else looks into, and that goes when it is not needed any more.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let id = std::process::id();
        let mut made = Err(ErrorKind::AlreadyExists.into());
        for number in 0..100 {
            let path = std::env::temp_dir().join(format!("clustergen.{id}.{number}"));
            made = fs::DirBuilder::new().mode(0o700).create(&path).map(|()| Self(path));
            // one that is there is somebody else's
            if !matches!(&made, Err(error) if error.kind() == ErrorKind::AlreadyExists) {
                break;
            }
        }
        made
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
