//! What `apply.sh` says before it does anything: `golden/apply/plan.txt`, for people to read.
//!
//! In: a host with a bundle of ours and files of others, and a second bundle that has something to
//! change of every kind that there is. `GOLDEN=update cargo test --test lab plan` writes the page.

use std::fs;
use std::path::Path;

use crate::built::said;
use crate::bundle::{Bundle, good, host_with_units};
use crate::host::Host;

const FIRST: &str = "file 0644 root:root /etc/app/main.conf reload app.service
file 0600 root:root /etc/app/key restart app.service
file 0600 root:root /etc/app/password restart app.service
file 0644 root:root /etc/app/dropped.conf reload app.service
file 0644 root:root /etc/app/packages.conf none -
link /etc/app/zone /usr/share/zoneinfo/UTC none -
block c /etc/app/cut none -
block c /etc/hosts none -
keys ini /etc/app/app.ini restart app.service there
unit app.service
unit dropped.service";

const FIRST_FILES: [(&str, &str); 8] = [
    ("files/etc/app/main.conf", "workers 4\nport 80\n"),
    ("files/etc/app/key", "user app\npassword CGSECRET_db_01234567\n"),
    ("files/etc/app/password", "CGSECRET_db_01234567\n"),
    ("files/etc/app/dropped.conf", "ours\n"),
    ("files/etc/app/packages.conf", "ours\n"),
    ("edits/etc/app/cut.block", "ours\n"),
    ("edits/etc/hosts.block", "192.0.2.1 db\n"),
    ("edits/etc/app/app.ini.keys", "[db]\npool = 4\n[cache]\nsize = 1\n"),
];

const SECOND: &str = "package tzdata
group app
user app app /srv/app /usr/sbin/nologin system adm
user daemon daemon /usr/sbin /usr/sbin/nologin system adm
directory 0750 app:app /srv/app
directory 0700 root:root /etc/app exactly
ensure pool 'the database takes connections' reload app.service
link /etc/app/zone /usr/share/zoneinfo/Europe/Berlin restart cron.service
block c /etc/hosts none -
keys ini /etc/app/app.ini restart app.service there
where /etc/no-such-folder file 0644 root:root /etc/no-such-folder/x none -
file 0644 root:root /etc/app/new.conf reload app.service
file 0644 root:app /etc/app/foreign.conf none -
file 0600 root:root /etc/app/key restart app.service
file 0600 root:root /etc/app/password restart app.service
need fill file 0644 root:root /etc/app/later.conf restart later.service
seed 0600 root:root /etc/app/state none -
file 0644 root:root /etc/app/main.conf reload app.service
made /etc/app/store restart app.service false 'cat /etc/app/key >/etc/app/store' /etc/app/key
check 0 'test -s /etc/app/main.conf' /etc/app/main.conf
unit app.service rival.service
unit new.service
need fill unit later.service
step 1/1 fill keeps 'the tables are there'
verify 'there is a file' 'test -s /etc/app/main.conf'";

const SECOND_FILES: [(&str, &str); 10] = [
    ("files/etc/no-such-folder/x", "ours\n"),
    ("files/etc/app/main.conf", "workers 8\nport 80\n"),
    ("files/etc/app/key", "user admin\npassword CGSECRET_db_89abcdef\n"),
    ("files/etc/app/password", "CGSECRET_db_89abcdef\n"),
    ("files/etc/app/new.conf", "ours\n"),
    ("files/etc/app/foreign.conf", "ours\n"),
    ("files/etc/app/later.conf", "ours\n"),
    ("files/etc/app/state", "ours\n"),
    ("edits/etc/hosts.block", "192.0.2.2 db\n"),
    ("edits/etc/app/app.ini.keys", "[db]\npool = 8\n#unset trace\n"),
];

/// What others have on the host.
const THEIRS: [(&str, &str); 5] = [
    ("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 db # by the installer\n"),
    ("/etc/app/cut", "theirs\n"),
    ("/etc/app/app.ini", "[db]\npool = 1\ntrace = on\n[cache]\nsize = 9\n"),
    ("/etc/app/packages.conf", "theirs\n"),
    ("/etc/app/foreign.conf", "theirs\n"),
];

fn prepared() -> (Host, Bundle) {
    let host = host_with_units(&["app.service", "cron.service", "rival.service"]);
    for (path, text) in THEIRS {
        host.write(path, text);
    }
    let bundle = Bundle::of(FIRST, &FIRST_FILES);
    bundle.secret("CGSECRET_db_01234567", "the old secret\n");
    bundle.secret("CGSECRET_db_89abcdef", "the new secret\n");
    good(&bundle.on(&host, &[]).0);
    bundle.becomes("h", SECOND, &SECOND_FILES);
    bundle.says("holds_pool() { false; }");
    (host, bundle)
}

#[test]
fn what_will_be_done_is_said_in_words_and_shown_line_by_line() {
    let (host, bundle) = prepared();
    let before = host.disk();
    let mut page = String::new();
    for args in [&["--dry-run"][..], &["--check"], &["--uninstall", "--dry-run"]] {
        let (done, asked) = bundle.on(&host, args);
        assert!(done.stderr.is_empty() && asked.is_empty(), "{asked:?} {}", said(&done));
        let told = String::from_utf8(done.stdout).unwrap();
        let code = done.status.code().unwrap();
        page.push_str(&format!("$ apply.sh {}\n{told}[exit code {code}]\n\n", args.join(" ")));
    }
    assert!(!page.contains("the old secret") && !page.contains("the new secret"));
    assert!(before.writes(&host.disk()).is_empty());

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/apply/plan.txt");
    if std::env::var_os("GOLDEN").is_some_and(|it| it == "update") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&kept, &page).unified_diff().to_string();
    assert!(diff.is_empty(), "{diff}\nto store it: GOLDEN=update cargo test --test lab plan");
}
