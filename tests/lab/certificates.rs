//! Certificates that somebody else signed, shown and verified for real: nginx before nginx, OpenSSL
//! as the authority and as the browser.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::apply::apply;
use crate::built::{Built, said};
use crate::bundle::start;
use crate::host::Host;
use crate::nginx::quiet;
use crate::units::eventually;

const DESCRIPTION: &str = r#"
cluster "c" domain="example.net" platform="debian-12"
host "lb" address="10.77.0.10"
host "app1" address="10.77.0.11"
certificate "www" { names "www.example.net"; source WWW; }
certificate "app" { names "app.example.net" "www.example.net"; source APP; }
nginx "front" {
    on "lb"
    upstream "app" { servers "app1" port=443; tls "app"; }
    site "www.example.net" { certificate "www"; location "/" to="app"; }
}
nginx "behind" {
    on "app1"
    site "app.example.net" {
        alias "www.example.net"
        certificate "app"
        location "/" redirect="https://reached.example.net/"
    }
}
"#;

fn description(www: &str, app: &str) -> String {
    DESCRIPTION.replace("WWW", www).replace("APP", app)
}

/// Runs lines of sh in a folder.
fn sh(folder: &Path, script: &str) {
    let done = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{script}\n{}", said(&done));
}

/// A root and an authority below it, as a company has them.
const AUTHORITY: &str = "
new() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
new root; new issuing
openssl req -x509 -key root.key -subj '/CN=Root' -days 30 -out root.crt
openssl req -new -key issuing.key -subj '/CN=Issuing' -out issuing.csr
printf 'basicConstraints=critical,CA:true\\n' >ca.ext
openssl x509 -req -in issuing.csr -CA root.crt -CAkey root.key -CAcreateserial -days 30 -extfile ca.ext -out issuing.crt
";

/// Has a request signed, and puts the chain where the description wants it.
fn sign(name: &str) -> String {
    format!(
        "openssl x509 -req -in {name}.csr -CA issuing.crt -CAkey issuing.key -CAcreateserial -days 30 -copy_extensions copy -out {name}.own
         cat {name}.own issuing.crt >{name}.crt\n"
    )
}

/// Both hosts on one switch, nginx running on both.
struct Served {
    lb: Host,
    app: Host,
    _switch: Host,
}

impl Served {
    fn start(lb: Host, app: Host) -> Self {
        let switch = Host::start("switch");
        switch.join(&[(&lb, "10.77.0.10/24"), (&app, "10.77.0.11/24")]);
        for host in [&lb, &app] {
            quiet(host, "before it is started");
            run_nginx(host);
        }
        Self { lb, app, _switch: switch }
    }

    /// What a browser that trusts the root is answered.
    fn get(&self, root: &str) -> String {
        self.lb.write("/tmp/root.crt", root);
        said(&self.lb.run(&[
            "sh",
            "-c",
            "printf 'GET / HTTP/1.0\\r\\nHost: www.example.net\\r\\n\\r\\n' | timeout 10 openssl s_client -quiet -verify_return_error -verify_hostname www.example.net -CAfile /tmp/root.crt -servername www.example.net -connect 10.77.0.10:443",
        ]))
    }
}

fn run_nginx(host: &Host) {
    host.daemon(&["nginx", "-g", "daemon off;"]);
    eventually("nginx listens", || {
        let open = said(&host.run(&["ss", "-Hltn", "sport = :443"]));
        open.contains(":443").then_some(())
    });
}

#[test]
fn what_a_corporate_authority_signed_is_served_and_verified_to_the_root() {
    let kdl = description(
        "\"files\" cert=\"www.crt\"",
        "\"files\" cert=\"app.crt\" authority=\"root.crt\"",
    );
    let built = Built::prepared(&kdl, |folder| {
        for name in ["www", "app"] {
            let done = Command::new(env!("CARGO_BIN_EXE_clustergen"))
                .args(["certs", "csr", "cluster.kdl", name, "-o", "."])
                .current_dir(folder)
                .output()
                .unwrap();
            assert!(done.status.success(), "{}", said(&done));
        }
        sh(folder, &[AUTHORITY, &sign("www"), &sign("app")].concat());
    });
    let served = Served::start(built.installed("lb"), built.installed("app1"));
    let root = fs::read_to_string(built.folder().join("root.crt")).unwrap();
    let answer = served.get(&root);
    assert!(answer.contains("Location: https://reached.example.net/"), "{answer}");
    assert!(answer.contains("CN = Issuing"), "the chain was not sent: {answer}");

    // somebody else on the server's address gets nothing
    sh(
        built.folder(),
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout s.key -subj /CN=app.example.net -addext subjectAltName=DNS:app.example.net,DNS:www.example.net -out s.crt",
    );
    for (file, path) in [("s.crt", "/etc/nginx/ssl/app.crt"), ("s.key", "/etc/nginx/ssl/app.key")] {
        served.app.write(path, &fs::read_to_string(built.folder().join(file)).unwrap());
    }
    // a reload would leave the TLS sessions that were proven before
    served.app.run(&["nginx", "-s", "stop"]);
    eventually("nginx has stopped", || {
        let open = said(&served.app.run(&["ss", "-Hltn", "sport = :443"]));
        (!open.contains(":443")).then_some(())
    });
    run_nginx(&served.app);
    let answer = served.get(&root);
    assert!(answer.contains("502 Bad Gateway"), "{answer}");
}

#[test]
fn what_an_acme_client_keeps_on_the_hosts_is_named_where_it_is_missing_and_served_where_it_is_there()
 {
    const LIVE: &str = "/etc/letsencrypt/live/www";
    let kdl = description(
        &format!("\"on-host\" cert=\"{LIVE}/fullchain.pem\" key=\"{LIVE}/privkey.pem\""),
        "\"on-host\" cert=\"/etc/acme/app.crt\" key=\"/etc/acme/app.key\"",
    );
    let built = Built::of(&kdl);
    let host = start("lb");
    let (done, asked) = apply(&built, &host, "lb", &[]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let told = said(&done);
    assert!(told.contains("the certificate www is not on this host yet"), "{told}");
    let ours = told.find("is not on this host yet").unwrap();
    assert!(told.find("nginx: [emerg]").is_none_or(|nginx| ours < nginx), "{told}");
    assert!(asked.is_empty(), "{asked:?}");

    let folder = built.folder();
    sh(
        folder,
        &[
            AUTHORITY,
            "for name in www app; do
                 new $name
                 openssl req -new -key $name.key -subj /CN=$name -addext subjectAltName=DNS:$name.example.net,DNS:www.example.net -out $name.csr
             done\n",
            &sign("www"),
            &sign("app"),
        ]
        .concat(),
    );
    let file = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let bring = |host: &Host| {
        host.write(&format!("{LIVE}/fullchain.pem"), &file("www.crt"));
        host.write(&format!("{LIVE}/privkey.pem"), &file("www.key"));
    };
    bring(&host);
    let (done, _) = apply(&built, &host, "lb", &[]);
    assert!(done.status.success(), "{}", said(&done));
    host.write("/tmp/running", "");
    // names of peers lead nowhere on a host without a network: that is another proof's matter
    let (proof, _) = apply(&built, &host, "lb", &["--verify"]);
    let told = said(&proof);
    assert!(told.contains(&format!("ok    {LIVE}/fullchain.pem: the key is that of")), "{told}");
    assert!(!told.contains(&format!("FAIL  {LIVE}")), "{told}");
    host.write(&format!("{LIVE}/privkey.pem"), &file("app.key"));
    let (proof, _) = apply(&built, &host, "lb", &["--verify"]);
    assert_eq!(proof.status.code(), Some(2), "{}", said(&proof));
    assert!(said(&proof).contains("the key is that of"), "{}", said(&proof));
    host.write(&format!("{LIVE}/fullchain.pem"), &file("issuing.crt"));
    let (proof, _) = apply(&built, &host, "lb", &["--verify"]);
    assert!(said(&proof).contains("one for www.example.net"), "{}", said(&proof));

    // the platform trusts the root, and so does nginx
    let (lb, app) = (built.installed("lb"), built.installed("app1"));
    bring(&lb);
    lb.write("/etc/ssl/certs/ca-certificates.crt", &file("root.crt"));
    app.write("/etc/acme/app.crt", &file("app.crt"));
    app.write("/etc/acme/app.key", &file("app.key"));
    let served = Served::start(lb, app);
    let answer = served.get(&file("root.crt"));
    assert!(answer.contains("Location: https://reached.example.net/"), "{answer}");
}
