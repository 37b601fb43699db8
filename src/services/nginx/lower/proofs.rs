//! What `--verify` proves of nginx: sites answer, each under its certificate, and so do the
//! servers behind them.
//!
//! In: the nodes of a host, and what was settled. Out: lines of sh that the host itself runs. curl
//! asks for pages and opens connections; openssl compares certificates, and verifies servers by
//! nothing but the file that nginx verifies them by.
//!
//! Any status is an answer but 502, 503 and 504: by those `nginx.conf` knows a server that fails
//! from one whose page is broken or missing, which is not nginx's to judge.

use super::here::Here;
use super::pairs::certificate_of;
use super::upstreams::listening;
use crate::model::facts::Certificate;
use crate::quote::sh_word;
use crate::services::lowering::Owner;
use crate::services::nginx::options::{Answer, Header, Nginx, Site, Stream, Upstream};
use crate::services::{Located, Lowering};
use crate::source::Spanned;

/// No file of root's own and no proxy changes what is asked; addresses of IPv6 are in brackets.
const CURL: &str = "curl -q -gsS -m 20 --noproxy \"*\" -o /dev/null";

/// A platform's own authorities are no authorities where another file is named (verify(1)).
const ONLY_NAMED: &str = "SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null";

const FINGERPRINT: &str = "openssl x509 -noout -fingerprint -sha256";

pub(super) fn prove(services: &[Located<Nginx>], cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let here = Here::of(first.options, cx);
    let addresses = if here.ipv6 { &["127.0.0.1", "::1"][..] } else { &["127.0.0.1"] };
    for service in services {
        let (nginx, owner) = (service.options, service.owner());
        if nginx.asks_with_curl() {
            // RHEL installs it with its core, as `curl` or as `curl-minimal`
            let package = cx.this().platform.fact("curl.package").unwrap_or_default().to_owned();
            cx.package(owner, package);
        }
        for site in &nginx.sites {
            for address in addresses {
                site.prove(address, owner, cx);
            }
        }
        nginx.upstreams.iter().for_each(|it| it.prove(services, owner, cx));
        nginx.streams.iter().for_each(|it| it.prove(owner, cx));
    }
}

impl Nginx {
    /// All but servers that speak TLS.
    fn asks_with_curl(&self) -> bool {
        let plain = self.upstreams.iter().any(|it| it.tls.is_none());
        plain || !self.sites.is_empty() || !self.streams.is_empty()
    }
}

impl Site {
    fn prove(&self, address: &str, owner: Owner, cx: &mut Lowering) {
        let name = &self.name.value;
        if let Some((certificate, known)) = &self.certificate {
            self.answers("https", 443, address, owner, cx);
            self.shows(certificate, known, address, owner, cx);
        } else {
            self.answers("http", 80, address, owner, cx);
        }
        if self.redirect_http {
            let ask = format!("{CURL} -w \"%{{redirect_url}}\" --resolve {name}:80:{address}");
            let title = format!("http://{name}/ leads to TLS on {address}");
            let command = format!("{ask} http://{name}/ | grep -Fx https://{name}/");
            cx.verify(owner, &title, &command);
        }
    }

    fn answers(&self, scheme: &str, port: u16, address: &str, owner: Owner, cx: &mut Lowering) {
        let name = &self.name.value;
        // which certificate it shows is the next proof
        let any = if scheme == "https" { " -k" } else { "" };
        let ask = format!("{CURL}{any} -w \"%{{http_code}}\" --resolve {name}:{port}:{address}");
        let title = format!("{scheme}://{name}/ is answered on {address}");
        let command = format!(
            "code=$({ask} {scheme}://{name}/) || exit 1\n\
             case $code in 50[234]) echo \"by $code: nobody behind nginx does\"; exit 1 ;; esac"
        );
        cx.verify(owner, &title, &command);
    }

    fn shows(
        &self,
        certificate: &Spanned<String>,
        known: &Certificate,
        address: &str,
        owner: Owner,
        cx: &mut Lowering,
    ) {
        let name = &self.name.value;
        let path = certificate_of(&certificate.value, known);
        let file = cx.text(sh_word(&path, certificate.span), certificate.span);
        let title = format!("{name} shows {path} on {address}");
        let at = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        let command = format!(
            "shown=$(timeout 10 openssl s_client -connect \"{at}:443\" -servername {name} </dev/null | {FINGERPRINT}) || exit 1\n\
             [ \"$shown\" = \"$({FINGERPRINT} -in {})\" ] || {{ echo \"it shows $shown\"; exit 1; }}",
            file.as_str()
        );
        cx.verify(owner, &title, &command);
    }
}

impl Upstream {
    fn prove(&self, services: &[Located<Nginx>], owner: Owner, cx: &mut Lowering) {
        let platform = cx.this().platform.clone();
        let verified = self.verified(&platform);
        if verified.is_some() {
            let package = cx.fact("openssl.package", owner);
            cx.package(owner, package);
        }
        let host = self.asked_as(services).map(|name| {
            let word = sh_word(&format!("Host: {}", name.value), name.span);
            format!("-H {} ", cx.text(word, name.span).as_str())
        });
        let host = host.unwrap_or_default();
        for (server, at) in self.servers.iter().flat_map(|it| listening(it, cx)).collect::<Vec<_>>()
        {
            let server = &cx.inventory.host(server.value).name;
            let title = format!("upstream {}: {server} answers on {at}", self.name.value);
            let Some(verified) = &verified else {
                cx.verify(owner, &title, &format!("{CURL} {host}http://{at}/"));
                continue;
            };
            let (name, trusted) = (verified.name.as_str(), verified.trusted.as_str());
            let command = format!(
                "{ONLY_NAMED} timeout 10 openssl s_client -connect \"{at}\" -servername {name} \
                 -verify_hostname {name} -verify_return_error -CAfile {trusted} </dev/null"
            );
            cx.verify(owner, &format!("{title} as {name}"), &command);
        }
    }

    /// The name by which the first location asks for a page: many a server answers to no other.
    fn asked_as<'a>(&self, services: &[Located<'a, Nginx>]) -> Option<&'a Spanned<String>> {
        let sites = services.iter().flat_map(|it| &it.options.sites);
        let mut places = sites.flat_map(|site| site.locations.iter().map(move |it| (site, it)));
        let (site, place) = places.find(|(_, it)| match &it.answer {
            Answer::Upstream(name) => name.value == self.name.value,
            Answer::Redirect(_) => false,
        })?;
        let own = |it: &&Header| it.name.value.eq_ignore_ascii_case("host");
        Some(place.request_headers.iter().find(own).map_or(&site.name, |it| &it.value))
    }
}

impl Stream {
    fn prove(&self, owner: Owner, cx: &mut Lowering) {
        let (stream, port) = (&self.name.value, self.port.value);
        let own = ("nginx".to_owned(), format!("127.0.0.1:{port}"));
        let servers = self.servers.iter().flat_map(|it| listening(it, cx));
        let servers =
            servers.map(|(host, at)| (cx.inventory.host(host.value).name.clone(), at.to_string()));
        for (name, at) in std::iter::once(own).chain(servers).collect::<Vec<_>>() {
            // what it says is its own protocol's: that the connection came about is told by its time
            let command = format!(
                "curl -q -gs -m 5 --noproxy \"*\" -o /dev/null -w \"%{{time_connect}}\" http://{at}/ | grep \"[1-9]\""
            );
            let title = format!("stream {stream}: {name} takes connections on {at}");
            cx.verify(owner, &title, &command);
        }
    }
}
