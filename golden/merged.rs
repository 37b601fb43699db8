//! Two clones of a user's repository, each with a change, and the real `git merge`: what one lock
//! says afterwards, and what is said where it says two things.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::against::{GIT, git};
use crate::cli::{clustergen, code, text};
use crate::support::{compare_text, golden, no_faults, tree};
use crate::vault::{ALICE, HOST_KEY, Project};

/// A cluster of some hosts, with a job that has a minute of its own on each.
fn kdl(hosts: &[&str], more: &str) -> String {
    let mut text = "cluster \"c\" domain=\"example.org\" platform=\"debian-12\"\n".to_owned();
    for (number, host) in hosts.iter().enumerate() {
        text += &format!("host \"{host}\" address=\"192.0.2.{}\"\n", number + 1);
    }
    let all = hosts.join("\" \"");
    text += &format!("csync2 \"data\" {{ members \"{all}\"; include \"/srv/data\"; }}\n");
    text += &format!("cron \"job\" {{ on \"{all}\"; every \"20m\"; command \"true\"; }}\n");
    text + more
}

fn encrypted() -> String {
    format!("vault {{ recipient \"{}\"; }}\n", ALICE[0])
}

/// A secret that is drawn, and a file on a host that needs it.
fn secret(name: &str, host: &str) -> String {
    format!(
        "secret \"{name}\" {{ generate; }}\nfile \"/etc/{name}\" {{ on \"{host}\"; mode \"0600\"; content \"{{{{ secret(\\\"{name}\\\") }}}}\"; }}\n"
    )
}

/// Two clones of one repository: `ours`, and `theirs`.
struct Clones(Project);

impl Clones {
    /// Where `base` was built and committed; `with_out` commits the bundles too.
    fn of(base: &str, with_out: bool) -> Self {
        let clones = Self(Project::of(""));
        fs::create_dir(clones.ours()).unwrap();
        git(&clones.ours(), &["init", "-q", "-b", "main", "."]);
        if !with_out {
            fs::write(clones.ours().join(".gitignore"), "/out/\n").unwrap();
        }
        clones.commits(&clones.ours(), base);
        git(clones.0.folder(), &["clone", "-q", "ours", "theirs"]);
        clones
    }

    fn ours(&self) -> std::path::PathBuf {
        self.0.at("ours")
    }

    fn theirs(&self) -> std::path::PathBuf {
        self.0.at("theirs")
    }

    /// A plain vault is not in git: somebody carries it over.
    fn carry_vault(&self) {
        let state = "cluster.state/vault";
        let copied = Command::new("cp")
            .arg("-aT")
            .args([self.ours().join(state), self.theirs().join(state)])
            .status();
        assert!(copied.unwrap().success());
    }

    fn run(&self, clone: &Path, args: &[&str]) -> (i32, String) {
        let identity = self.0.at("alice");
        let env = [("CLUSTERGEN_IDENTITY", identity.to_str().unwrap())];
        let done = clustergen(clone, args, &env);
        (code(&done), text(&done))
    }

    fn good(&self, clone: &Path, args: &[&str]) -> String {
        let (code, said) = self.run(clone, args);
        assert_eq!(code, 0, "{args:?}: {said}");
        said
    }

    fn bad(&self, clone: &Path, args: &[&str], why: &str) -> String {
        let before = tree(clone);
        let (code, said) = self.run(clone, args);
        assert_ne!(code, 0, "{args:?}: {said}");
        assert!(said.contains(why), "{why}\n{said}");
        assert!(before == tree(clone), "{args:?} changed something");
        said
    }

    fn commits(&self, clone: &Path, kdl: &str) {
        fs::write(clone.join("cluster.kdl"), kdl).unwrap();
        self.good(clone, &["build"]);
        git(clone, &["add", "-A"]);
        git(clone, &["commit", "-q", "-m", "a change"]);
    }

    /// Merges what `theirs` has into `ours`; the files that are in conflict. The descriptions are
    /// merged by hand.
    fn merge(&self, kdl: &str) -> Vec<String> {
        let ours = self.ours();
        git(&ours, &["fetch", "-q", "../theirs", "main:theirs"]);
        let words = ["merge", "-q", "--allow-unrelated-histories", "-m", "merged", "theirs"];
        let mut merge = Command::new("git");
        let _ = merge.current_dir(&ours).args(words).envs(GIT).output().unwrap();
        let mut list = Command::new("git");
        let list = list.current_dir(&ours).args(["diff", "--name-only", "--diff-filter=U"]);
        let list = text(&list.envs(GIT).output().unwrap());
        fs::write(ours.join("cluster.kdl"), kdl).unwrap();
        list.lines().filter(|it| *it != "cluster.kdl").map(str::to_owned).collect()
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.ours().join("cluster.state/lock")).unwrap()
    }

    fn set_lock(&self, text: &str) {
        fs::write(self.ours().join("cluster.state/lock"), text).unwrap();
    }

    /// As a person does who was told to keep the lines of both sides.
    fn keep_both(&self) {
        let mark =
            |line: &&str| ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|it| line.starts_with(it));
        let lock = self.lock();
        let kept: Vec<&str> = lock.lines().filter(|it| !mark(it)).collect();
        self.set_lock(&(kept.join("\n") + "\n"));
    }

    /// As a person does who was told to delete a line.
    fn delete(&self, begin: &str) {
        let lock = self.lock();
        let kept: Vec<&str> = lock.lines().filter(|it| !it.starts_with(begin)).collect();
        assert_eq!(kept.len() + 1, lock.lines().count(), "{begin}");
        self.set_lock(&(kept.join("\n") + "\n"));
    }

    /// Every line of a lock is in the merged one, but for the slot that was deleted.
    fn holds(&self, before: &str, but: &str) {
        let lock = self.lock();
        for line in before.lines().filter(|it| !it.starts_with(but)) {
            assert!(lock.lines().any(|it| it == line), "{line} is gone:\n{lock}");
        }
    }
}

/// What a build says of an unfinished merge and of what both sides gave, as stored.
#[test]
fn two_branches_that_each_add_a_host_merge_with_a_conflict_that_is_explained() {
    let mut faults = Vec::new();
    for vault in [encrypted(), String::new()] {
        let clones = Clones::of(&kdl(&["a", "b"], &vault), true);
        let (ours, theirs) = (clones.ours(), clones.theirs());
        if vault.is_empty() {
            clones.carry_vault();
        }
        clones.commits(&ours, &kdl(&["a", "b", "c"], &vault));
        clones.commits(&theirs, &kdl(&["a", "b", "d"], &vault));
        let lock_of_theirs = fs::read_to_string(theirs.join("cluster.state/lock")).unwrap();
        let lock_of_ours = clones.lock();

        let conflicts = clones.merge(&kdl(&["a", "b", "c", "d"], &vault));
        assert!(conflicts.contains(&"cluster.state/lock".to_owned()), "{conflicts:?}");
        assert!(conflicts.contains(&"out/cluster.json".to_owned()), "{conflicts:?}");
        let said = clones.bad(&ours, &["build"], "a merge of the lock is not finished");
        assert!(said.contains("keep the lines of both sides and delete the marks"), "{said}");
        clones.keep_both();
        let said = clones.bad(&ours, &["build"], "CG0503");
        let stored = golden().join("state/two-branches-that-each-add-a-host.txt");
        compare_text(&stored, &said, &mut faults);

        for job in ["cron[job]/d", "csync2[data]/d"] {
            clones.delete(&format!("slot {job} "));
        }
        clones.bad(
            &ours,
            &["build"],
            "`./out/cluster.json` is damaged: take it from the last commit",
        );
        git(&ours, &["checkout", "-q", "HEAD", "--", "out"]);
        clones.good(&ours, &["build"]);
        clones.holds(&lock_of_ours, "#");
        clones.holds(&lock_of_theirs, "slot ");
        clones.good(&ours, &["build", "--check"]);
        if vault.is_empty() {
            clones.bad(&ours, &["pack"], "the private key `d/csync2` is not in the vault");
            let keys = "cluster.state/vault/keys/d";
            fs::create_dir(ours.join(keys)).unwrap();
            fs::copy(theirs.join(keys).join("csync2.key"), ours.join(keys).join("csync2.key"))
                .unwrap();
        }
        clones.good(&ours, &["pack"]);
    }
    no_faults(&faults);
}

#[test]
fn lines_that_git_merges_by_itself_are_looked_at_all_the_same() {
    let more = encrypted() + &secret("kv", "m");
    let kdl = |hosts: &[&str]| {
        let all = hosts.join("\" \"");
        let www = format!(
            "certificate \"www\" {{ names \"www.example.org\"; on \"{all}\" cert=\"/etc/www.crt\" key=\"/etc/www.key\"; }}"
        );
        let kdl = kdl(hosts, &more);
        let lines: Vec<&str> = kdl.lines().filter(|it| !it.starts_with("csync2")).collect();
        format!("{}\n{www}", lines.join("\n"))
    };
    let clones = Clones::of(&kdl(&["m", "n"]), false);
    clones.commits(&clones.ours(), &kdl(&["a", "m", "n"]));
    clones.commits(&clones.theirs(), &kdl(&["m", "n", "z"]));
    let before = clones.lock();
    let conflicts = clones.merge(&kdl(&["a", "m", "n", "z"]));
    assert!(conflicts.is_empty(), "{conflicts:?}");
    clones.bad(&clones.ours(), &["build"], "`cron[job]/a` and `cron[job]/z` have one slot");
    clones.delete("slot cron[job]/z ");
    clones.good(&clones.ours(), &["build"]);
    clones.holds(&before, "#");
    clones.good(&clones.ours(), &["pack"]);
}

#[test]
fn a_secret_that_both_branches_drew_is_that_of_one_of_them() {
    let more = secret("new", "a");
    let (base, after) = (kdl(&["a", "b"], &encrypted()), kdl(&["a", "b"], &(encrypted() + &more)));
    let clones = Clones::of(&base, false);
    let ours = clones.ours();
    clones.commits(&ours, &after);
    clones.commits(&clones.theirs(), &after);
    let lock_of_theirs = fs::read_to_string(clones.theirs().join("cluster.state/lock")).unwrap();
    let conflicts = clones.merge(&after);
    assert_eq!(conflicts, ["cluster.state/lock", "cluster.state/vault/secrets/new.age"]);
    clones.keep_both();
    clones.bad(&ours, &["build"], "the lock has two lines for `secret new`");
    let value = "cluster.state/vault/secrets/new.age";
    // the line of one and the value of the other
    git(&ours, &["checkout", "-q", "--ours", value]);
    clones.set_lock(&lock_of_theirs);
    clones.good(&ours, &["build"]);
    clones.bad(
        &ours,
        &["pack"],
        "`vault/secrets/new` cannot be used: it is not the value that the lock names",
    );
    git(&ours, &["checkout", "-q", "--theirs", value]);
    clones.good(&ours, &["build"]);
    clones.good(&ours, &["pack"]);
}

#[test]
fn a_value_in_conflict_is_told_and_never_made_anew() {
    let base = kdl(&["a", "b"], &(encrypted() + &secret("old", "a")));
    let clones = Clones::of(&base, false);
    for clone in [clones.ours(), clones.theirs()] {
        clones.good(&clone, &["secrets", "rotate", "cluster.kdl", "old"]);
        clones.commits(&clone, &base);
    }
    let conflicts = clones.merge(&base);
    let value = "cluster.state/vault/secrets/old.age";
    assert!(conflicts.iter().any(|it| it == value), "{conflicts:?}");
    git(&clones.ours(), &["checkout", "-q", "--ours", "cluster.state/lock"]);
    clones.good(&clones.ours(), &["build"]);
    clones.bad(&clones.ours(), &["pack"], "`vault/secrets/old.age` cannot be used");
    clones.bad(
        &clones.ours(),
        &["secrets", "rotate", "cluster.kdl", "old"],
        "`vault/secrets/old.age` cannot be used",
    );
    git(&clones.ours(), &["checkout", "-q", "--ours", value]);
    clones.good(&clones.ours(), &["pack"]);
}

#[test]
fn two_first_builds_are_two_clusters() {
    let text = kdl(&["a", "b"], &encrypted());
    let clones = Clones::of(&text, false);
    let theirs = clones.theirs();
    fs::remove_dir_all(theirs.join("cluster.state")).unwrap();
    clones.commits(&theirs, &text);
    git(&clones.ours(), &["commit", "-q", "--allow-empty", "-m", "ours"]);
    // as where both began: there is no base
    git(&clones.ours(), &["checkout", "-q", "--orphan", "again"]);
    git(&clones.ours(), &["commit", "-q", "-m", "ours"]);
    let conflicts = clones.merge(&text);
    assert!(conflicts.contains(&"cluster.state/lock".to_owned()), "{conflicts:?}");
    clones.keep_both();
    let said = clones.bad(&clones.ours(), &["build"], "the lock has two lines for `authority`");
    assert!(said.contains("these are two clusters"), "{said}");
}

/// Whether a blob is the vault's own is seen from its own line alone.
#[test]
fn what_two_branches_sealed_for_two_hosts_stays_as_it_is() {
    let kdl = |more: &str| {
        let mut text = "cluster \"c\" domain=\"example.org\" platform=\"debian-12\"\n".to_owned();
        for (number, host) in ["a", "m", "z"].iter().enumerate() {
            text += &format!(
                "host \"{host}\" address=\"192.0.2.1{number}\" {{ ssh-host-key \"{HOST_KEY}\"; }}\n"
            );
            text += &secret(&format!("of-{host}"), host);
        }
        // its lines keep those of secrets and blobs apart
        text += "cron \"job\" { on \"a\" \"m\" \"z\"; every \"20m\"; command \"true\"; }\n";
        text + &encrypted() + more
    };
    let (of_ours, of_theirs) = (secret("a-new", "a"), secret("z-new", "z"));
    let clones = Clones::of(&kdl(""), false);
    let ours = clones.ours();
    clones.commits(&ours, &kdl(&of_ours));
    clones.commits(&clones.theirs(), &kdl(&of_theirs));
    let before = clones.lock();
    assert_eq!(clones.merge(&kdl(&(of_ours + &of_theirs))), [""; 0]);
    let merged = tree(&ours.join("cluster.state"));
    let said = clones.good(&ours, &["build"]);
    assert!(!said.contains("CG0508"), "{said}");
    assert!(merged == tree(&ours.join("cluster.state")), "something was made anew");
    clones.holds(&before, "sealed z ");
}
