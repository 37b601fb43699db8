//! What lies where a file goes, or on the way there: what `apply.sh` refuses, and what it follows.
//!
//! In: a host on which a bundle is installed, and one more file that cannot go where it should.
//! Out: a message that says what to do, nothing written, and above all nothing written elsewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use crate::built::said;
use crate::bundle::{Bundle, bad, good, refused, start};
use crate::host::Host;
use crate::scripts::mode;
use crate::snapshot::Snapshot;

/// What is fine comes before the one thing that is not.
fn with(line: &str) -> Bundle {
    let files = [
        ("files/etc/fine", "2\n"),
        ("files/etc/app/x.conf", "ours\n"),
        ("edits/etc/app/x.conf.block", "ours\n"),
        ("edits/etc/app/x.conf.keys", "a=1\n"),
    ];
    Bundle::of(&format!("file 0644 root:root /etc/fine none -\n{line}"), &files)
}

/// A host with a bundle, prepared by a line of sh.
fn host(prepare: &str) -> Host {
    let host = start("h");
    let table = "file 0644 root:root /etc/fine none -";
    good(&Bundle::of(table, &[("files/etc/fine", "1\n")]).on(&host, &[]).0);
    good(&host.run(&["sh", "-ec", prepare]));
    host
}

const FILE: &str = "file 0644 root:root /etc/app/x.conf none -";

#[test]
fn what_lies_in_the_way_is_named_before_anything_is_written() {
    let elsewhere =
        "mkdir /etc/app; echo safe >/srv/elsewhere; ln -s /srv/elsewhere /etc/app/x.conf";
    for (line, prepare, why) in [
        (
            FILE,
            "mkdir -p /etc/app/x.conf",
            "a folder lies where the file /etc/app/x.conf goes: move it",
        ),
        (
            FILE,
            "mkdir /etc/app /srv/d; ln -s /srv/d /etc/app/x.conf",
            "a folder lies where the file",
        ),
        (
            FILE,
            "echo file >/etc/app",
            "a file lies where the folder /etc/app goes: move it away first",
        ),
        (
            FILE,
            "ln -s /nowhere /etc/app",
            "/etc/app is to be a folder, and it is a link that leads nowhere",
        ),
        (
            FILE,
            "mkdir /etc/app; mkfifo /etc/app/x.conf",
            "is neither file nor folder: move it away",
        ),
        (
            "seed 0600 root:root /etc/app/x.conf none -",
            "echo file >/etc/app",
            "the folder /etc/app goes",
        ),
        (
            "link /etc/app/x.conf /srv none -",
            "mkdir -p /etc/app/x.conf",
            "a folder lies where the link",
        ),
        ("link /etc/app/x.conf /srv none -", "echo file >/etc/app", "the folder /etc/app goes"),
        ("directory 0755 root:root /etc/app", "echo file >/etc/app", "the folder /etc/app goes"),
        (
            "directory 0755 root:root /etc/app/d",
            "ln -s /nowhere /etc/app",
            "a link that leads nowhere",
        ),
        (
            "block c /etc/app/x.conf none -",
            elsewhere,
            "is a link, and others write what it leads to",
        ),
        ("keys properties /etc/app/x.conf none - create", elsewhere, "is a link, and others write"),
        (
            "keys properties /etc/app/x.conf none - there",
            ":",
            "/etc/app/x.conf is not there, and keys",
        ),
        (
            "block c /etc/app/x.conf none -",
            "mkdir -p /etc/app/x.conf",
            "a folder lies where the file",
        ),
    ] {
        let host = host(prepare);
        for args in [&["--check"][..], &["--dry-run"], &[]] {
            refused(&with(line), &host, args, 1, why);
        }
    }
}

#[test]
fn an_owner_that_is_not_there_is_named_before_anything_is_written() {
    let host = host(":");
    for owner in ["nobodys:root", "root:nobodys", "nobodys:nobodys"] {
        for line in [
            format!("file 0644 {owner} /etc/app/x.conf none -"),
            format!("seed 0644 {owner} /etc/app/x.conf none -"),
            format!("directory 0755 {owner} /etc/app"),
            format!("directory 0755 {owner} /etc exactly"),
        ] {
            let why = format!(
                "is to belong to {owner}: there is no such user or group here, so install what"
            );
            refused(&with(&line), &host, &[], 1, &why);
            refused(&with(&line), &host, &["--dry-run"], 1, &why);
        }
    }
}

/// A link at the target is replaced itself, as a file would be: a package's `sites-enabled/default`.
#[test]
fn a_link_in_place_of_a_file_gives_way_and_comes_back_and_what_it_leads_to_is_not_written() {
    for leads in ["/srv/elsewhere", "/nowhere"] {
        let host = host(&format!(
            "mkdir /etc/app; echo safe >/srv/elsewhere; ln -s {leads} /etc/app/x.conf"
        ));
        let bundle = with(FILE);
        let plan = good(&bundle.on(&host, &["--dry-run"]).0);
        let kept = "/etc/app/x.conf, kept as /var/lib/clustergen/c/before/etc/app/x.conf";
        assert!(plan.contains(&format!("replace {kept}\n")), "{plan}");
        good(&bundle.on(&host, &[]).0);
        assert!(!host.path("/etc/app/x.conf").is_symlink());
        assert_eq!(host.read("/etc/app/x.conf"), "ours\n");
        assert_eq!(host.read("/srv/elsewhere"), "safe\n");
        assert!(!host.path("/nowhere").exists());
        good(&bundle.on(&host, &["--uninstall"]).0);
        assert_eq!(fs::read_link(host.path("/etc/app/x.conf")).unwrap(), Path::new(leads));
    }
}

/// A link on the way is the administrator's: `/etc/nginx` may well lead to `/srv/nginx`. It is
/// followed and stays, also where others may write to what it leads to: that is not ours to judge.
#[test]
fn a_link_on_the_way_to_a_file_is_followed_and_stays() {
    let host =
        host("mkdir -m 0777 /srv/app; ln -s /srv/app /etc/app; echo theirs >/srv/app/x.conf");
    let bundle = with(&format!("{FILE}\ndirectory 0755 root:root /etc/app/d"));
    good(&bundle.on(&host, &[]).0);
    assert_eq!(host.read("/srv/app/x.conf"), "ours\n");
    assert!(host.path("/etc/app").is_symlink() && host.path("/srv/app/d").is_dir());
    assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));
    good(&bundle.on(&host, &["--uninstall"]).0);
    assert_eq!(host.read("/srv/app/x.conf"), "theirs\n");
    assert!(host.path("/etc/app").is_symlink());
    assert_eq!(mode(&host.path("/srv/app")), "0777");
}

/// In a folder for a trial, say a mounted image, an absolute link would lead to the machine's own.
#[test]
fn a_link_out_of_a_folder_for_a_trial_is_refused() {
    let elsewhere = TempDir::new().unwrap();
    fs::write(elsewhere.path().join("x.conf"), "safe\n").unwrap();
    let before = Snapshot::whole(elsewhere.path());
    for (line, at) in [
        (FILE, "etc/app"),
        ("link /etc/app/x.conf /srv none -", "etc/app"),
        ("seed 0644 root:root /etc/app/x.conf none -", "etc/app"),
        ("block c /etc/app/x.conf none -", "etc/app"),
        ("directory 0700 root:root /etc/app exactly", "etc/app"),
        ("directory 0700 root:root /etc/app/d", "etc/app"),
        (FILE, "etc"),
        (FILE, "var"),
        (FILE, "var/lib/clustergen"),
    ] {
        let root = TempDir::new().unwrap();
        let link = root.path().join(at);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(elsewhere.path(), link).unwrap();
        let done = with(line).apply(root.path(), &[]);
        bad(&done, &format!("/{at} is a link that leads out of"));
        let written = before.writes(&Snapshot::whole(elsewhere.path()));
        assert!(written.is_empty(), "{line} {written:#?}");
        assert!(!root.path().join("etc/fine").exists());
    }
    let root = TempDir::new().unwrap();
    fs::create_dir_all(root.path().join("etc/inside")).unwrap();
    symlink("inside", root.path().join("etc/app")).unwrap();
    good(&with(FILE).apply(root.path(), &[]));
    assert!(root.path().join("etc/inside/x.conf").is_file());
}

/// In containers `/etc/hosts` is a mount: nothing can be renamed over it.
#[test]
fn what_cannot_be_replaced_after_all_is_named_and_everything_is_as_it_was() {
    for (prepare, why) in [
        (
            "mkdir /etc/app; echo a >/etc/app/x.conf; mount --bind /etc/app/x.conf /etc/app/x.conf",
            "installing",
        ),
        ("mkdir -p /etc/app/.x.conf.dpkg-new/d", "preparing"),
        (
            "mkdir /etc/app; echo a >/etc/app/x.conf; mount -t tmpfs none /etc/app; mount -o remount,ro /etc/app",
            "preparing",
        ),
    ] {
        let host = host(prepare);
        let before = host.disk();
        let (done, asked) = with(FILE).on(&host, &[]);
        bad(&done, &format!("failed while {why} /etc/app/x.conf"));
        let mut changes = before.changes(&host.disk());
        changes.retain(|it| !it.starts_with("/var/log/clustergen.log"));
        assert!(changes.is_empty() && asked.is_empty(), "{changes:#?} {}", said(&done));
    }
}
