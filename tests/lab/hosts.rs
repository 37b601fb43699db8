//! `/etc/hosts`: `getent` finds each peer, or says whose line is in the way.

use crate::apply::apply;
use crate::built::{Built, said};
use crate::bundle::{good, start};

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
    let told = good(&apply(&built, &host, "n1", &["--verify"]).0);
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
