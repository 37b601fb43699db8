//! What `--verify` proves of a Redis: it answers whom it should, and nobody else.
//!
//! Nothing secret is in an argument: what is said to it comes from a file that is root's alone.

use super::super::Lowering;
use super::super::lowering::Owner;
use super::Redis;
use crate::model::host::HostId;

impl Redis {
    pub(super) fn prove(&self, owner: Owner, here: &str, cx: &mut Lowering) {
        if self.members().contains(cx.host) {
            self.prove_member(owner, here, cx);
        }
        if self.clients.iter().any(|it| it.value == cx.host) {
            for member in self.places() {
                self.prove_client(member.value, owner, here, cx);
            }
        }
        if self.reached_by.iter().any(|it| it.value == cx.host) {
            let package = cx.fact("redis.tools-package", owner);
            cx.package(owner, package);
            let port = self.tunnel.value;
            let title = format!("redis {}: answers PONG on 127.0.0.1:{port}", self.name);
            let command = format!("timeout 10 redis-cli -p {port} <{here}/ping | grep -qx PONG");
            cx.verify(owner, &title, &command);
        }
    }

    /// A line of sh that says a command to the Redis of this host, after the password.
    pub(super) fn say(&self, here: &str, command: &str) -> String {
        let ask = self.ask(here, true);
        format!("{{ grep ^AUTH {here}/ping; echo {command}; }} | {ask}")
    }

    /// A call of redis-cli for the Redis of this host.
    fn ask(&self, here: &str, with_pair: bool) -> String {
        let pair = format!(" --cert {here}/cert.pem --key {here}/key.pem");
        let tls = match (self.tls, with_pair) {
            (None, _) => String::new(),
            (Some(_), true) => format!(" --tls --cacert {here}/ca.pem{pair}"),
            (Some(_), false) => format!(" --tls --cacert {here}/ca.pem"),
        };
        format!("timeout 10 redis-cli{tls} -p {}", self.port.value)
    }

    fn prove_member(&self, owner: Owner, here: &str, cx: &mut Lowering) {
        let (name, port) = (&self.name, self.port.value);
        let mut prove = |what: &str, command: &str| {
            cx.verify(owner, &format!("redis {name}: {what}"), command);
        };
        let known = self.ask(here, true);
        prove("answers PONG", &format!("{known} <{here}/ping | grep -qx PONG"));
        prove("asks for a password", &format!("{known} PING 2>&1 | grep -q NOAUTH"));
        if self.tls.is_some() {
            let stranger = self.ask(here, false);
            let command = format!("! {stranger} PING 2>&1 | grep -qE \"NOAUTH|PONG\"");
            prove("does not talk with who has no certificate", &command);
        } else {
            let command = format!(
                "ss -Hltn \"sport = :{port}\" | awk \"\\$4 !~ /^(127\\\\.|\\\\[::1\\\\])/ {{ print; open = 1 }} END {{ exit open }}\""
            );
            prove("listens on loopback alone", &command);
        }
        if !self.replicates() {
            return;
        }
        let is_primary = self.primary.as_ref().is_some_and(|it| it.value == cx.host);
        let (what, line) = if is_primary {
            let count = self.replicas.len();
            let what = if count == 1 {
                "a replica follows".to_owned()
            } else {
                format!("{count} replicas follow")
            };
            (what, format!("connected_slaves:{count}"))
        } else {
            ("follows the primary".to_owned(), "master_link_status:up".to_owned())
        };
        // a replica that has just started takes its time for the first copy
        let command = format!(
            "for second in $(seq 30); do {} | tr -d \"\\r\" | grep -qx {line} && exit; sleep 1; done; exit 1",
            self.say(here, "INFO replication")
        );
        cx.verify(owner, &format!("redis {name}: {what}"), &command);
    }

    /// By its name, which Redis's own clients do not ask for.
    fn prove_client(&self, member: HostId, owner: Owner, here: &str, cx: &mut Lowering) {
        let package = cx.fact("openssl.package", owner);
        cx.package(owner, package);
        let member = cx.inventory.host(member);
        let ip = member.address_for(None, cx.this()).ip;
        let at = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        let (at, host) = (format!("{at}:{}", self.port.value), member.name.clone());
        let command = format!(
            "SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -quiet -connect \"{at}\" \
             -servername {host} -verify_hostname {host} -verify_return_error -CAfile {here}/ca.pem \
             -cert {here}/cert.pem -key {here}/key.pem <{here}/ping | tr -d \"\\r\" | grep -qx +PONG"
        );
        let title = format!("redis {}: {host} answers PONG on {at}", self.name);
        cx.verify(owner, &title, &command);
    }
}
