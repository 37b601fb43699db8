//! An output as it was committed, out of a git repository.
//!
//! In: the output folder, which need not be there, and a revision. Out: the files of that commit,
//! to be looked at. Asks the program `git`, changes nothing. Not here: what the files mean.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Failure;
use crate::disk::{EntryKind, Look};

/// The files of an output folder in a commit.
pub(super) struct Committed {
    /// What it is called in sentences: `git:HEAD:out`.
    root: PathBuf,
    /// By path below the folder.
    files: BTreeMap<String, Vec<u8>>,
}

impl Committed {
    /// # Errors
    /// There is no git, no repository, no such commit, or no output in it.
    pub(super) fn read(out: &Path, revision: &str) -> Result<Self, Failure> {
        let there = out.is_dir();
        let parent = out.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = if there { out } else { parent.unwrap_or(Path::new(".")) };
        let name = if there { None } else { out.file_name() };
        let git = Git { folder };
        let mut path = git.prefix()?;
        path.push_str(&name.unwrap_or_default().to_string_lossy());
        let path = path.trim_end_matches('/');
        let commit = git.commit(revision)?;
        let files = git.files(&commit, path)?;
        if files.is_empty() {
            let message = format!(
                "`{path}` is not in the commit `{revision}`: it was not committed, or lay elsewhere"
            );
            return Err(Failure::Environment(message));
        }
        Ok(Self { root: PathBuf::from(format!("git:{revision}:{path}")), files })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn below(&self, path: &Path) -> Option<String> {
        path.strip_prefix(&self.root).ok()?.to_str().map(str::to_owned)
    }
}

impl Look for Committed {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        Ok(self.below(path).and_then(|name| self.files.get(&name).cloned()))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, EntryKind)>> {
        let Some(folder) = self.below(path) else { return Ok(Vec::new()) };
        let start = if folder.is_empty() { folder } else { format!("{folder}/") };
        let mut entries = BTreeMap::new();
        for name in self.files.range(start.clone()..).map(|(name, _)| name) {
            let Some(rest) = name.strip_prefix(&start) else { break };
            match rest.split_once('/') {
                Some((folder, _)) => entries.insert(folder.to_owned(), EntryKind::Folder),
                None => entries.insert(rest.to_owned(), EntryKind::File),
            };
        }
        Ok(entries.into_iter().collect())
    }
}

/// The program, in a folder.
struct Git<'a> {
    folder: &'a Path,
}

impl Git<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.folder).args(words);
        // its sentences may become part of ours, and a path is no pattern
        command.env("LC_ALL", "C").env("GIT_LITERAL_PATHSPECS", "1");
        command
    }

    /// What it prints, or what it complains about.
    fn ask(&self, words: &[&str]) -> Result<Result<Vec<u8>, String>, Failure> {
        let output =
            self.command(words).stdin(Stdio::null()).output().map_err(|it| not_run(&it))?;
        if output.status.success() {
            return Ok(Ok(output.stdout));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().next().unwrap_or_default().replace(char::is_control, "·");
        Ok(Err(line))
    }

    /// The path of the folder below the repository's root, empty or with a `/` at its end.
    fn prefix(&self) -> Result<String, Failure> {
        let folder = self.folder.display();
        let answer = self.ask(&["rev-parse", "--show-prefix"])?.map_err(|why| {
            Failure::Environment(format!("`{folder}` is in no repository that git reads: {why}"))
        })?;
        let prefix = String::from_utf8(answer).map_err(|_| {
            Failure::Environment(format!("`{folder}` has a name that is not UTF-8"))
        })?;
        Ok(prefix.trim_end_matches('\n').to_owned())
    }

    fn commit(&self, revision: &str) -> Result<String, Failure> {
        let unknown = || {
            Failure::Environment(format!(
                "git knows no commit `{revision}` here: name a branch, a tag or a commit; a shallow clone has but the last ones"
            ))
        };
        // it must not be taken for an option, or for all but a commit
        if revision.is_empty() || revision.starts_with(['-', '^']) {
            return Err(unknown());
        }
        let wanted = format!("{revision}^{{commit}}");
        let answer = self.ask(&["rev-parse", "--verify", "--quiet", &wanted])?;
        let answer = answer.map_err(|_| unknown())?;
        Ok(String::from_utf8_lossy(&answer).trim_end().to_owned())
    }

    /// The files below a path of the repository. Links and repositories within are none.
    fn files(&self, commit: &str, path: &str) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let mut words = vec!["ls-tree", "-r", "-z", "--full-tree", commit];
        if !path.is_empty() {
            words.extend(["--", path]);
        }
        let failed = |why: String| Failure::Environment(format!("git ls-tree: {why}"));
        let tree = self.ask(&words)?.map_err(failed)?;
        let start = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut names: Vec<(String, String)> = Vec::new();
        for entry in tree.split(|byte| *byte == 0) {
            // `100644 blob 8ab6… TAB out/node1/host.sh`
            let Ok(entry) = std::str::from_utf8(entry) else { continue };
            let Some((about, name)) = entry.split_once('\t') else { continue };
            let Some(name) = name.strip_prefix(&start) else { continue };
            let mut about = about.split(' ');
            if let (Some("100644" | "100755"), Some("blob"), Some(id)) =
                (about.next(), about.next(), about.next())
            {
                names.push((name.to_owned(), id.to_owned()));
            }
        }
        self.contents(&names)
    }

    /// The contents of objects, by name.
    fn contents(&self, names: &[(String, String)]) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let mut command = self.command(&["cat-file", "--batch"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|it| not_run(&it))?;
        let mut files = BTreeMap::new();
        if let (Some(mut asks), Some(answers)) = (child.stdin.take(), child.stdout.take()) {
            let mut answers = BufReader::new(answers);
            for (name, id) in names {
                let content = object(&mut asks, &mut answers, id).map_err(|error| {
                    Failure::Environment(format!("git cannot read `{name}` of the commit: {error}"))
                })?;
                files.insert(name.clone(), content);
            }
        }
        child.wait().map_err(|it| not_run(&it))?;
        Ok(files)
    }
}

/// Asks for one object and takes the answer: one after the other, nobody waits for a full pipe.
fn object(asks: &mut impl Write, answers: &mut impl BufRead, id: &str) -> io::Result<Vec<u8>> {
    writeln!(asks, "{id}")?;
    asks.flush()?;
    let mut line = String::new();
    answers.read_line(&mut line)?;
    // `8ab6… blob 1278`, or `8ab6… missing`
    let size = line.trim_end().rsplit(' ').next().and_then(|it| it.parse::<u64>().ok());
    let size = size.ok_or_else(|| io::Error::other("the repository does not have it"))?;
    let mut content = Vec::new();
    answers.take(size).read_to_end(&mut content)?;
    if content.len() as u64 != size {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    answers.read_until(b'\n', &mut Vec::new())?;
    Ok(content)
}

fn not_run(error: &io::Error) -> Failure {
    Failure::Environment(match error.kind() {
        ErrorKind::NotFound => {
            "git is not installed, and `git:REV` is read by it; `--against DIR` compares with a folder".to_owned()
        }
        _ => format!("git cannot be run: {error}"),
    })
}
