//! Users, folders and packages as a description says them: `useradd`, `chmod` and `dpkg` agree.

use crate::apply::apply;
use crate::built::{Built, said};
use crate::bundle::{Bundle, bad, good, start};

const KDL: &str = r#"
cluster "c" domain="example.org" platform="debian-12"
host "n1" address="192.0.2.1"
user "shopper" { on "n1"; system; group "shop"; groups "adm"; home "/srv/shop"; shell "/bin/sh"; }
user "kim" { on "n1"; }
user "_under-score_9" { on "n1"; system; }
directory "/srv/shop" { on "n1"; mode "2750"; owner "shopper" group="shop"; }
file "/srv/shop/motd" { on "n1"; content "hello"; owner "shopper" group="shop"; }
package "dash" { on "n1"; }
"#;

#[test]
fn users_own_their_folders_and_files_with_the_first_apply() {
    let built = Built::of(KDL);
    let host = start("n1");
    host.run(&["rm", "/usr/local/sbin/dpkg-query"]);
    good(&apply(&built, &host, "n1", &[]).0);
    let words = |words: &[&str]| said(&host.run(words));
    let account = words(&["getent", "passwd", "shopper"]);
    assert!(account.contains("/srv/shop:/bin/sh"), "{account}");
    assert!(words(&["id", "shopper"]).contains("(adm)"), "{}", words(&["id", "shopper"]));
    let kim = words(&["getent", "passwd", "kim"]);
    assert!(kim.contains("/home/kim:/bin/bash") && !host.path("/home/kim").exists(), "{kim}");
    assert!(
        words(&["getent", "passwd", "_under-score_9"]).contains("/nonexistent:/usr/sbin/nologin")
    );
    let stat = |path: &str| words(&["stat", "-c", "%a %U:%G", path]);
    assert!(stat("/srv/shop").contains("2750 shopper:shop"), "{}", stat("/srv/shop"));
    assert!(stat("/srv/shop/motd").contains("644 shopper:shop"), "{}", stat("/srv/shop/motd"));
    assert!(good(&apply(&built, &host, "n1", &[]).0).contains("nothing to change"));
}

#[test]
fn a_package_that_is_not_there_is_named_before_anything_changes() {
    let built = Built::of(&KDL.replace("\"dash\"", "\"dash\" \"no-such-package\""));
    let host = start("n1");
    host.run(&["rm", "/usr/local/sbin/dpkg-query"]);
    bad(&apply(&built, &host, "n1", &[]).0, "not installed: no-such-package");
    assert!(!host.path("/srv/shop").exists());
}

#[test]
fn a_folder_that_is_there_gets_its_mode_and_owner_and_gets_them_back() {
    let host = start("h");
    let table = "directory 0750 root:www-data '/srv/a b' exactly\ndirectory 0700 root:root /srv/c";
    for (mode, folder) in [("2777", "/srv/a b"), ("0755", "/srv/c")] {
        host.run(&["mkdir", "-p", folder]);
        host.run(&["chmod", mode, folder]);
    }
    host.run(&["chown", "games:adm", "/srv/a b"]);
    let stat = |path: &str| said(&host.run(&["stat", "-c", "%a %U:%G", path]));
    let fails = format!("{table}\nfile 0644 root:root /etc/x none -\ncheck 0 false /etc/x");
    bad(&Bundle::of(&fails, &[("files/etc/x", "x\n")]).on(&host, &[]).0, "the new files are wrong");
    assert!(stat("/srv/a b").contains("2777 games:adm"), "{}", stat("/srv/a b"));

    let bundle = Bundle::of(table, &[]);
    let dry = good(&bundle.on(&host, &["--dry-run"]).0);
    assert!(dry.contains("set mode and owner of /srv/a b"), "{dry}");
    good(&bundle.on(&host, &[]).0);
    assert!(stat("/srv/a b").contains("] 750 root:www-data"), "{}", stat("/srv/a b"));
    assert!(stat("/srv/c").contains("] 755 root:root"), "{}", stat("/srv/c"));
    assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));
}
