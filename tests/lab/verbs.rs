//! What `apply.sh` does with links, accounts, drop-ins and files that the host's programs make.

use crate::built::said;
use crate::bundle::{Bundle, bad, good, start};

#[test]
fn a_link_is_set_in_one_step_and_what_it_replaced_comes_back() {
    let bundle = Bundle::of("link /etc/localtime /usr/share/zoneinfo/Europe/Berlin none -", &[]);
    let host = start("h");
    host.run(&["ln", "-sfn", "/usr/share/zoneinfo/Etc/UTC", "/etc/localtime"]);
    assert!(good(&bundle.on(&host, &[]).0).contains("1 changed"));
    let leads = || said(&host.run(&["readlink", "/etc/localtime"]));
    assert!(leads().contains("Berlin"), "{}", leads());
    assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));
    host.run(&["ln", "-sfn", "/usr/share/zoneinfo/Asia/Tokyo", "/etc/localtime"]);
    let (check, _) = bundle.on(&host, &["--check"]);
    assert_eq!(check.status.code(), Some(2), "{}", said(&check));
    good(&bundle.on(&host, &[]).0);
    good(&Bundle::of("", &[]).on(&host, &[]).0);
    assert!(leads().contains("UTC"), "{}", leads());
}

#[test]
fn a_file_that_is_no_longer_shipped_gives_way_to_what_was_there_before() {
    let host = start("h");
    host.write("/etc/app.conf", "the package's\n");
    host.run(&["chmod", "0640", "/etc/app.conf"]);
    let table = "file 0644 root:root /etc/app.conf none -";
    good(&Bundle::of(table, &[("files/etc/app.conf", "ours\n")]).on(&host, &[]).0);
    assert_eq!(host.read("/etc/app.conf"), "ours\n");
    let done = good(&Bundle::of("", &[]).on(&host, &["--dry-run"]).0);
    assert!(done.contains("put back /etc/app.conf as it was before clustergen"), "{done}");
    good(&Bundle::of("", &[]).on(&host, &[]).0);
    assert_eq!(host.read("/etc/app.conf"), "the package's\n");
    assert!(said(&host.run(&["stat", "-c", "%a", "/etc/app.conf"])).contains("640"));
}

#[test]
fn what_was_right_before_we_came_stays_when_we_go() {
    let table = "
file 0644 root:root /etc/app.conf none -
link /etc/zone /usr/share/zoneinfo/UTC none -
made /etc/both none - 'test -s /etc/both' 'cp /etc/app.conf /etc/both' /etc/app.conf
";
    let host = start("h");
    host.write("/etc/app.conf", "1\n");
    host.write("/etc/both", "1\n");
    host.run(&["ln", "-s", "/usr/share/zoneinfo/UTC", "/etc/zone"]);
    let before = host.disk();
    let bundle = Bundle::of(table, &[("files/etc/app.conf", "1\n")]);
    for changed in [false, true] {
        assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));
        if changed {
            bundle.becomes("h", table, &[("files/etc/app.conf", "2\n")]);
            good(&bundle.on(&host, &[]).0);
            assert_eq!(host.read("/etc/both"), "2\n");
        }
        good(&bundle.on(&host, &["--uninstall"]).0);
        let mut changes = before.changes(&host.disk());
        changes.retain(|it| !it.contains("clustergen"));
        assert!(changes.is_empty(), "{changes:#?}");
    }
}

#[test]
fn uninstalling_leaves_a_host_as_it_was_but_for_accounts_and_folders() {
    let table = "
directory 0755 root:root /srv/app
file 0644 root:root /etc/app.conf none -
file 0644 root:root /etc/new.conf none -
block c /etc/hosts none -
unit app.service
step 1/1 fill keeps 'the tables are there'
";
    let files = [
        ("files/etc/app.conf", "ours\n"),
        ("files/etc/new.conf", "ours\n"),
        ("edits/etc/hosts.block", "192.0.2.1 a\n"),
    ];
    let bundle = Bundle::of(table, &files);
    let host = start("h");
    host.write("/etc/app.conf", "the package's\n");
    let hosts = host.read("/etc/hosts");
    good(&bundle.on(&host, &[]).0);
    good(&bundle.on(&host, &["--mark-done", "fill"]).0);
    let plan = good(&bundle.on(&host, &["--uninstall", "--dry-run"]).0);
    assert!(plan.contains("remove /etc/new.conf"), "{plan}");
    assert_eq!(host.read("/etc/app.conf"), "ours\n", "a rehearsal changed something");
    let (done, asked) = bundle.on(&host, &["--uninstall"]);
    good(&done);
    assert!(asked.iter().any(|it| it == "disable --now app.service"), "{asked:?}");
    assert_eq!(host.read("/etc/app.conf"), "the package's\n");
    assert!(!host.path("/etc/new.conf").exists() && host.path("/srv/app").is_dir());
    assert_eq!(host.read("/etc/hosts"), hosts);
    assert!(!host.path("/var/lib/clustergen/c/done").exists());
    assert!(good(&bundle.on(&host, &["--uninstall"]).0).contains("nothing to change"));
    assert_eq!(bundle.on(&host, &["--uninstall", "--check"]).0.status.code(), Some(64));
}

#[test]
fn a_user_is_made_with_its_group_before_the_files_that_it_owns() {
    let table = "
group shop
group readers
user shop shop /var/lib/shop /usr/sbin/nologin system readers
directory 0750 shop:shop /var/lib/shop
file 0640 root:shop /etc/shop.conf none -
";
    let files = [("files/etc/shop.conf", "x\n")];
    let bundle = Bundle::of(table, &files);
    let host = start("h");
    let dry = good(&bundle.on(&host, &["--dry-run"]).0);
    assert!(dry.contains("make the user shop"), "{dry}");
    assert!(!host.run(&["id", "shop"]).status.success(), "a rehearsal made it");
    good(&bundle.on(&host, &[]).0);
    let who = said(&host.run(&["id", "shop"]));
    assert!(who.contains("(readers)"), "{who}");
    assert!(
        said(&host.run(&["getent", "passwd", "shop"])).contains("/var/lib/shop:/usr/sbin/nologin")
    );
    let owner = |path: &str| said(&host.run(&["stat", "-c", "%a %U:%G", path]));
    assert!(owner("/etc/shop.conf").contains("640 root:shop"), "{}", owner("/etc/shop.conf"));
    assert!(owner("/var/lib/shop").contains("750 shop:shop"), "{}", owner("/var/lib/shop"));
    assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));

    // a group more is all that is asked of a user that is there
    let more = table.replace("readers\ndir", "readers adm\ndir");
    good(&Bundle::of(&more, &files).on(&host, &[]).0);
    assert!(said(&host.run(&["id", "shop"])).contains("(adm)"));
}

#[test]
fn a_user_that_a_failed_run_made_is_gone_again() {
    let table = "
user shop nogroup /var/lib/shop /usr/sbin/nologin system
file 0640 shop:nogroup /etc/shop.conf none -
check 0 false /etc/shop.conf
";
    let host = start("h");
    let bundle = Bundle::of(table, &[("files/etc/shop.conf", "x\n")]);
    bad(&bundle.on(&host, &[]).0, "the new files are wrong");
    assert!(!host.run(&["id", "shop"]).status.success(), "it is still there");
    assert!(!host.path("/etc/shop.conf").exists());
}

#[test]
fn a_drop_in_goes_only_where_the_program_is() {
    let table = "where /etc/cloud file 0644 root:root /etc/cloud/cloud.cfg.d/99-x.cfg none -";
    let bundle = Bundle::of(table, &[("files/etc/cloud/cloud.cfg.d/99-x.cfg", "x\n")]);
    let host = start("h");
    host.run(&["rm", "-rf", "/etc/cloud"]);
    assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));
    assert!(!host.path("/etc/cloud").exists());
    host.run(&["mkdir", "-p", "/etc/cloud"]);
    good(&bundle.on(&host, &[]).0);
    assert_eq!(host.read("/etc/cloud/cloud.cfg.d/99-x.cfg"), "x\n");
}

/// Puts two files together, as keytool would.
const MADE: &str = r#"
file 0600 root:root /etc/a none -
made /etc/both restart app.service 'test "$(cat /etc/a /etc/theirs)" = "$(cat /etc/both)"' 'cat /etc/a /etc/theirs >/etc/both' /etc/a
"#;

#[test]
fn what_a_program_makes_is_made_anew_when_its_source_or_itself_is_not_right() {
    let host = start("h");
    host.write("/tmp/running", "");
    host.write("/etc/theirs", "theirs\n");
    host.write("/etc/both", "old\n");
    let bundle = Bundle::of(MADE, &[("files/etc/a", "ours\n")]);
    let (done, asked) = bundle.on(&host, &[]);
    good(&done);
    assert_eq!(host.read("/etc/both"), "ours\ntheirs\n");
    assert_eq!(asked, ["restart app.service"]);
    assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));
    host.write("/etc/both", "spoilt\n");
    let (check, _) = bundle.on(&host, &["--check"]);
    assert_eq!(check.status.code(), Some(2), "{}", said(&check));
    good(&bundle.on(&host, &[]).0);
    assert_eq!(host.read("/etc/both"), "ours\ntheirs\n");
    good(&Bundle::of("", &[]).on(&host, &[]).0);
    assert_eq!(host.read("/etc/both"), "old\n");
}

#[test]
fn what_a_program_cannot_make_is_put_back_with_everything_else() {
    let host = start("h");
    host.write("/etc/both", "old\n");
    let fails =
        MADE.replace("'cat /etc/a /etc/theirs >/etc/both'", "'echo half >/etc/both; false'");
    bad(
        &Bundle::of(&fails, &[("files/etc/a", "x\n")]).on(&host, &[]).0,
        "/etc/both could not be made",
    );
    assert_eq!(host.read("/etc/both"), "old\n");
    assert!(!host.path("/etc/a").exists());
}

#[test]
fn a_line_of_etc_hosts_that_wins_over_ours_is_named() {
    let files = [("edits/etc/hosts.block", "192.0.2.7 db.example.org db\n")];
    let bundle = Bundle::of("block c /etc/hosts none -", &files);
    let host = start("h");
    host.write("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 DB # ours\n::1 db.example.org\n");
    let done = good(&bundle.on(&host, &[]).0);
    assert!(
        done.contains("line 2 of /etc/hosts wins for db over 192.0.2.7: 127.0.1.1 DB # ours"),
        "{done}"
    );
    assert_eq!(done.matches("wins").count(), 1, "the other family is no rival: {done}");
}

#[test]
fn what_is_made_anew_is_not_taken_away_before() {
    let table = "made /etc/both none - 'test \"$(stat -c %a /etc/both)\" = 600' 'echo x >/etc/both; chmod 600 /etc/both'";
    let host = start("h");
    good(&Bundle::of(table, &[]).on(&host, &[]).0);
    host.run(&["chmod", "0644", "/etc/both"]);
    let (check, _) = Bundle::of(table, &[]).on(&host, &["--check"]);
    let told = said(&check);
    assert!(told.contains("make /etc/both") && !told.contains("remove"), "{told}");
    let refused = format!("{table}\ncheck 0 false /etc/both");
    bad(&Bundle::of(&refused, &[]).on(&host, &[]).0, "the new files are wrong");
    assert_eq!(host.read("/etc/both"), "x\n");
    assert!(said(&host.run(&["stat", "-c", "%a", "/etc/both"])).contains("644"));
}

/// The probe is asked before the new files lie there, so it cannot say that they ask for more.
#[test]
fn what_is_no_file_is_seen_to_in_the_run_that_changes_what_it_reads() {
    let table = "file 0644 root:root /etc/names none -
ensure names 'all names are known' none - /etc/names";
    let host = start("h");
    let bundle = Bundle::of(table, &[("files/etc/names", "a\n")]);
    for names in ["a\n", "a\nb\n"] {
        bundle.becomes("h", table, &[("files/etc/names", names)]);
        bundle.says("holds_names() { cmp -s /etc/names /srv/known; }");
        bundle.says("ensure_names() { cp /etc/names /srv/known; }");
        let plan = good(&bundle.on(&host, &["--dry-run"]).0);
        assert!(plan.contains("see to it: all names are known"), "{plan}");
        good(&bundle.on(&host, &[]).0);
        assert_eq!(host.read("/srv/known"), names);
        assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));
    }
}
