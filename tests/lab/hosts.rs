//! `/etc/hosts`: `getent` finds each peer, or says whose line is in the way.

use crate::apply::apply;
use crate::built::{Built, said};
use crate::bundle::{Bundle, good, start};

const KDL: &str = r#"
cluster "c" domain="example.org" platform="debian-12"
host "n1" address="192.0.2.1" { alias "www.example.org"; }
host "n2" address="192.0.2.2"
nginx "front" {
    on "n1"
    upstream "app" { servers "n2" port=8080; }
    site "www.example.org" { location "/" to="app"; }
}
hosts "peers" { on "n1" "n2"; entry "db.example.org" of="n2"; }
"#;

#[test]
fn each_name_leads_to_its_address_or_the_line_in_the_way_is_named() {
    let built = Built::of(KDL);
    let host = start("n1");
    // a host without an address is told of no name (getaddrinfo(3), AI_ADDRCONFIG)
    for words in ["link add b0 type bridge", "address add 192.0.2.1/24 dev b0", "link set b0 up"] {
        good(&host.run(&[&["ip"], words.split(' ').collect::<Vec<_>>().as_slice()].concat()));
    }
    host.run(&["mkdir", "-p", "/etc/cloud"]);
    host.write("/tmp/running", "");
    good(&apply(&built, &host, "n1", &[]).0);
    let drop_in = host.read("/etc/cloud/cloud.cfg.d/99-clustergen-c.cfg");
    assert!(drop_in.contains("\nmanage_etc_hosts: false\n"), "{drop_in}");
    let line = "each name of /etc/hosts leads where it says";
    // nginx itself does not run here, and is said not to answer
    let told = said(&apply(&built, &host, "n1", &["--verify"]).0);
    assert!(told.contains(&format!("ok    {line}")), "{told}");

    let hosts = host.read("/etc/hosts");
    host.write("/etc/hosts", &format!("127.0.1.1 N2.example.org\n{hosts}"));
    let done = apply(&built, &host, "n1", &["--verify"]).0;
    assert_eq!(done.status.code(), Some(2), "{}", said(&done));
    let told = said(&done);
    assert!(told.contains(&format!("FAIL  {line}")), "{told}");
    assert!(told.contains("n2.example.org leads to 127.0.1.1 192.0.2.2, and not"), "{told}");
    assert!(told.contains("1:127.0.1.1 N2.example.org"), "{told}");
    assert!(!told.contains("www.example.org leads"), "{told}");
}

const BLOCK: &str =
    "192.0.2.7 db.example.org db\n192.0.2.8\tweb.example.org\n2001:db8::7 six.example.org six\n";

/// `/etc/hosts` of somebody's, and which of its lines stand before ours for which name.
struct Theirs {
    /// Where `[]` is, an older block of ours is.
    text: &'static str,
    /// Line and name.
    wins: &'static [(usize, &'static str)],
}

#[rustfmt::skip]
const THEIRS: [Theirs; 14] = [
    theirs("", &[]),
    theirs("127.0.0.1 localhost\n::1 localhost ip6-localhost\n", &[]),
    theirs("127.0.1.1 db\n", &[(1, "db")]),
    theirs("127.0.0.1 localhost\n127.0.1.1\tDB.Example.org  web.example.org\tx\n", &[(2, "db.example.org"), (2, "web.example.org")]),
    theirs("# 127.0.1.1 db\n127.0.1.1 x # db\n192.0.2.9 web.example.org#db\n", &[(3, "web.example.org")]),
    theirs("192.0.2.7 db db.example.org\n", &[]),
    theirs("192.0.2.7 db\n192.0.2.9 db\n", &[]),
    theirs("2001:db8::9 six x\n127.0.1.1 six.example.org\n", &[(1, "six")]),
    theirs("127.0.0.1 localhost\r\n127.0.1.1 db\r\n\r\n# end\r\n", &[(2, "db")]),
    theirs("127.0.0.1 localhost\n127.0.1.1 db", &[(2, "db")]),
    theirs("127.0.0.1 localhost\n[]127.0.1.1 db six\n", &[]),
    theirs("192.0.2.9 db\n[]127.0.1.1 web.example.org", &[(1, "db")]),
    theirs("# BEGIN clustergen other\n192.0.2.9 web.example.org\n# END clustergen other\n", &[(2, "web.example.org")]),
    theirs("[]# BEGIN clustergen other\n192.0.2.9 db\n# END clustergen other\n# BEGIN clustergen c2\n# END clustergen c2\n", &[]),
];

const fn theirs(text: &'static str, wins: &'static [(usize, &'static str)]) -> Theirs {
    Theirs { text, wins }
}

/// A marked block.
fn marked(lines: &str) -> String {
    format!("# BEGIN clustergen c\n{lines}# END clustergen c\n")
}

#[test]
fn a_block_changes_no_byte_of_others_and_says_which_of_their_lines_win() {
    let host = start("h");
    let bundle = Bundle::of("block c /etc/hosts none -", &[("edits/etc/hosts.block", BLOCK)]);
    for Theirs { text, wins } in THEIRS {
        let older = marked("192.0.2.66 db old\n\n");
        host.write("/etc/hosts", &text.replace("[]", &older));
        let told = good(&bundle.on(&host, &[]).0);
        let wanted = match text {
            _ if text.contains("[]") => text.replace("[]", &marked(BLOCK)),
            _ if text.is_empty() || text.ends_with('\n') => format!("{text}{}", marked(BLOCK)),
            _ => format!("{text}\n{}", marked(BLOCK)),
        };
        assert_eq!(host.read("/etc/hosts"), wanted);
        for (line, name) in wins {
            let said = text.replace("[]", &older);
            let said = said.lines().nth(line - 1).unwrap();
            let ours = ours(name);
            let note =
                format!("note: line {line} of /etc/hosts wins for {name} over {ours}: {said}\n");
            assert!(told.contains(&note), "{note}{told}");
        }
        assert_eq!(told.matches(" wins for ").count(), wins.len(), "{text:?} {told}");
        // what the notes say is so
        for name in ["db.example.org", "db", "web.example.org", "six.example.org", "six"] {
            let found = said(&host.run(&["getent", "hosts", name]));
            let first = found.lines().next().unwrap();
            let won = wins.iter().any(|(_, it)| *it == name);
            assert_eq!(
                !first.contains(&format!("{} ", ours(name))),
                won,
                "{text:?} {name} {first}"
            );
        }
        let told = good(&bundle.on(&host, &["--check"]).0);
        assert!(!told.contains("wins"), "{told}");
        good(&bundle.on(&host, &["--uninstall"]).0);
        assert_eq!(host.read("/etc/hosts"), text.replace("[]", ""));
    }
}

/// The address that the block has for a name.
fn ours(name: &str) -> &'static str {
    let line = BLOCK.lines().find(|line| line.split_whitespace().any(|it| it == name));
    line.unwrap().split_whitespace().next().unwrap()
}
