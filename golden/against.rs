//! `diff --against`: the same page for an output that lies elsewhere, or in a commit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::cli::{clustergen, code, text};
use crate::support::{compare_tree, folders, golden, no_faults, tree};

/// Of git only what a test says: nobody's settings, and no repository around the test's folder.
pub const GIT: [(&str, &str); 8] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1"),
    ("HOME", "/nonexistent"),
    ("GIT_AUTHOR_NAME", "t"),
    ("GIT_AUTHOR_EMAIL", "t@example.org"),
    ("GIT_COMMITTER_NAME", "t"),
    ("GIT_COMMITTER_EMAIL", "t@example.org"),
];

pub fn git(folder: &Path, words: &[&str]) {
    let mut command = Command::new("git");
    let output = command.current_dir(folder).args(words).envs(GIT).output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", text(&output));
}

fn commit(folder: &Path) {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", "built"]);
}

fn diff(folder: &Path, args: &[&str]) -> Output {
    clustergen(folder, &[&["diff"], args].concat(), &GIT)
}

/// The page alone; whatever was looked at, nothing was written.
fn page(folder: &Path, args: &[&str]) -> String {
    let before = tree(folder);
    let output = diff(folder, args);
    assert_eq!(code(&output), 0, "{args:?}: {}", text(&output));
    assert!(before == tree(folder), "{args:?}: something was written");
    String::from_utf8(output.stdout).unwrap()
}

/// What was built from a case's first description, in `shop` of a repository, and then the second.
fn changed(case: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    for (name, text) in tree(case) {
        let inside = name.strip_prefix("state/").map(|it| format!("cluster.state/{it}"));
        let path = shop.join(inside.unwrap_or(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::copy(case.join("before.kdl"), shop.join("cluster.kdl")).unwrap();
    let built = clustergen(&shop, &["build"], &[]);
    assert_eq!(code(&built), 0, "{}", text(&built));
    git(folder.path(), &["init", "-q", "."]);
    commit(folder.path());
    fs::copy(case.join("after.kdl"), shop.join("cluster.kdl")).unwrap();
    folder
}

fn one() -> tempfile::TempDir {
    changed(&golden().join("diff/a-file-comes-and-one-goes"))
}

#[test]
fn every_page_is_the_same_of_a_commit() {
    for case in folders(&golden().join("diff")) {
        let folder = changed(&case);
        let shop = folder.path().join("shop");
        let here = page(&shop, &[]);
        fs::remove_dir_all(shop.join("out")).unwrap();
        assert_eq!(here, page(&shop, &["--against", "git:HEAD"]), "{}", case.display());
    }
}

#[test]
fn the_page_is_the_same_wherever_the_output_lies() {
    let folder = one();
    let shop = folder.path().join("shop");
    let changes = page(&shop, &[]);
    assert_eq!(changes, page(&shop, &["--against", "git:HEAD"]));
    assert_eq!(changes, page(folder.path(), &["shop/cluster.kdl", "--against", "git:HEAD"]));
    fs::rename(shop.join("out"), folder.path().join("elsewhere")).unwrap();
    assert_eq!(changes, page(&shop, &["--against", "../elsewhere"]));
    assert_eq!(changes, page(folder.path(), &["shop/cluster.kdl", "--against", "elsewhere"]));
}

#[test]
fn commits_are_named_as_git_names_them() {
    let folder = one();
    let shop = folder.path().join("shop");
    let changes = page(&shop, &[]);
    git(folder.path(), &["tag", "-a", "-m", "first", "v1"]);
    git(folder.path(), &["checkout", "-q", "-b", "a/branch"]);
    let built = clustergen(&shop, &["build"], &[]);
    assert_eq!(code(&built), 0, "{}", text(&built));
    commit(folder.path());
    let nothing = page(&shop, &[]);
    assert!(nothing.contains("nothing changed"), "{nothing}");
    assert_eq!(nothing, page(&shop, &["--against", "git:a/branch"]));
    for revision in ["HEAD~1", "v1", "HEAD^{/built}~1", "HEAD@{1}"] {
        let revision = format!("git:{revision}");
        assert_eq!(changes, page(&shop, &["--against", &revision]), "{revision}");
    }
}

#[test]
fn an_output_that_is_a_repository_or_has_strange_names_is_found() {
    let folder = one();
    let shop = folder.path().join("shop");
    let changes = page(&shop, &[]);
    for name in ["a *[b]?", ":(top)out", "-o", "ä"] {
        fs::rename(shop.join("out"), shop.join(name)).unwrap();
        commit(folder.path());
        let option = format!("-o./{name}");
        assert_eq!(changes, page(&shop, &[&option, "--against", "git:HEAD"]), "{name}");
        fs::rename(shop.join(name), shop.join("out")).unwrap();
    }
    let out = shop.join("out");
    git(&out, &["init", "-q", "."]);
    commit(&out);
    assert_eq!(changes, page(&shop, &["--against", "git:HEAD"]));
}

#[test]
fn a_link_in_the_commit_is_no_file_of_ours() {
    let folder = one();
    let shop = folder.path().join("shop");
    let name = tree(&shop.join("out")).into_keys().find(|it| it.ends_with("host.sh")).unwrap();
    let script = shop.join("out").join(&name);
    fs::rename(&script, folder.path().join("host.sh")).unwrap();
    std::os::unix::fs::symlink("../../../host.sh", &script).unwrap();
    commit(folder.path());
    let here = page(&shop, &[]);
    assert!(here.contains("new `host.sh`"), "{here}");
    assert_eq!(here, page(&shop, &["--against", "git:HEAD"]));
}

/// What is compared with what, and what was done before.
type Wrong = (&'static str, &'static [&'static str], fn(&Path));

const WRONG: [Wrong; 13] = [
    ("no-commit-of-that-name", &["git:HAED"], |_| {}),
    ("no-name-of-a-commit", &["git:"], |_| {}),
    ("an-option-for-a-commit", &["git:--all"], |_| {}),
    ("all-but-a-commit", &["git:^HEAD"], |_| {}),
    ("a-tree-for-a-commit", &["git:HEAD:shop"], |_| {}),
    ("no-repository", &["git:HEAD"], |it| fs::remove_dir_all(it.join(".git")).unwrap()),
    ("no-commit-yet", &["git:HEAD"], |it| {
        fs::remove_dir_all(it.join(".git")).unwrap();
        git(it, &["init", "-q", "."]);
    }),
    ("an-output-that-was-not-committed", &["git:HEAD", "-o", "other"], |it| {
        fs::rename(it.join("shop/out"), it.join("shop/other")).unwrap();
    }),
    ("an-output-in-a-folder-that-is-not-there", &["git:HEAD", "-o", "no/out"], |_| {}),
    ("something-else-was-committed", &["git:HEAD", "-o", "notes"], |it| {
        fs::create_dir(it.join("shop/notes")).unwrap();
        fs::write(it.join("shop/notes/README"), "ours\n").unwrap();
        commit(it);
    }),
    ("a-commit-that-is-not-whole", &["git:HEAD"], |it| {
        let name = "HEAD:shop/out/RUNBOOK.md";
        let object = Command::new("git").current_dir(it).args(["rev-parse", name]).output();
        let object = text(&object.unwrap());
        let (folder, file) = object.trim().split_at(2);
        fs::remove_file(it.join(".git/objects").join(folder).join(file)).unwrap();
    }),
    ("a-folder-that-is-not-there", &["elsewhere"], |_| {}),
    ("a-folder-of-somebody-else", &["cluster.state"], |_| {}),
];

#[test]
fn what_cannot_be_compared_is_told_as_stored() {
    let good = one();
    let mut came = BTreeMap::new();
    for (claim, args, wrong) in WRONG {
        let folder = tempfile::tempdir().unwrap();
        let from = good.path().join(".");
        let copied = Command::new("cp").arg("-a").arg(from).arg(folder.path()).status();
        assert!(copied.unwrap().success());
        wrong(folder.path());
        let output = diff(&folder.path().join("shop"), &[&["--against"], args].concat());
        assert!(output.stdout.is_empty(), "{claim}: {}", text(&output));
        came.insert(format!("{claim}.txt"), format!("{}[{}]\n", text(&output), code(&output)));
    }
    let shop = good.path().join("shop");
    let output = clustergen(&shop, &["diff", "--against", "git:HEAD"], &[("PATH", "/nonexistent")]);
    came.insert("no-git.txt".to_owned(), format!("{}[{}]\n", text(&output), code(&output)));
    let mut faults = Vec::new();
    compare_tree(&golden().join("against"), &came, &mut faults);
    no_faults(&faults);
}
