//! What clients of a site see while its certificate is renewed: another one, and nothing else.

use std::process::{Child, Stdio};

use crate::built::{Built, said};
use crate::bundle::good;
use crate::cluster::Lab;
use crate::host::Host;
use crate::load::Load;

const KDL: &str = r#"
cluster "web" domain="example.org" platform="debian-12"
host "web" address="192.0.2.10"
certificate "www" { names "www.example.org" }
nginx "front" {
    on "web"
    site "www.example.org" { certificate "www"; extra "location /page { return 200 web; }" }
}
"#;

const URL: &str = "https://www.example.org/page";
const AUTHORITY: &str = "/etc/authority.pem";

/// A client that keeps its connection for as long as it may: 600 requests, 150 a second. Of each the
/// status, and how many connections had to be opened for it.
///
/// A worker of nginx that ends closes a connection on which nothing is under way, and a request may
/// cross that. Who sent it sends it again (RFC 9112, 9.3.1), and curl does with HTTP/1.1; with HTTP/2
/// curl 7.88 tells of an error in the framing layer instead, one reload in thirty.
fn kept(client: &Host) -> Child {
    let url = format!("{URL}/[1-600]");
    let words =
        ["curl", "--http1.1", "-sS", "-m", "10", "--cacert", AUTHORITY, "--rate", "150/s", "-o"];
    let format = ["/dev/null", "-w", "%{http_code} %{num_connects}\\n", &url];
    let mut command = client.command(&[&words[..], &format].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The number of the certificate that a client is shown.
fn shown(client: &Host) -> String {
    let script = "openssl s_client -connect 192.0.2.10:443 -servername www.example.org </dev/null \
                  2>/dev/null | openssl x509 -noout -serial";
    good(&client.run(&["sh", "-c", script]))
}

#[test]
fn a_site_s_certificate_is_renewed_and_no_request_fails() {
    let built = Built::of(KDL);
    let lab = Lab::with(&built, &[("client", &["203.0.113.9"])]);
    good(&lab.apply("web"));
    let client = &lab["client"];
    let authority = std::fs::read(built.folder().join("cluster.state/certs/ca.pem")).unwrap();
    client.write(AUTHORITY, &String::from_utf8(authority).unwrap());
    client.write("/etc/hosts", "192.0.2.10 www.example.org\n");
    let old = shown(client);

    built.renewed(&["www"]);
    lab.bring("web");
    let kept = kept(client);
    let new = Load::under_way(client, URL, AUTHORITY, 1000);
    assert!(good(&lab.ask("web", &[])).contains("2 changed"));
    assert!(client.path("/run/under-way").exists());

    let new = new.wait();
    assert_eq!(new.who(), ["web"]);
    assert_eq!(new.answers.values().sum::<u64>(), 1000);
    let kept = kept.wait_with_output().unwrap();
    let told = said(&kept);
    let answers = String::from_utf8(kept.stdout).unwrap();
    let strange: Vec<&str> = answers.lines().filter(|line| !line.starts_with("200 ")).collect();
    assert_eq!((answers.lines().count(), strange), (600, Vec::new()), "{told}");
    let opened: usize =
        answers.lines().map(|line| line["200 ".len()..].parse::<usize>().unwrap()).sum();
    assert!(kept.status.success() && kept.stderr.is_empty(), "{told}");
    // nginx lets the old workers end: what they held is opened anew, and only that
    assert!((2..10).contains(&opened), "{opened} connections");
    assert_ne!(shown(client), old);
}
