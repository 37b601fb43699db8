//! Servers behind names, and TCP ports that are passed on to servers.

use std::net::SocketAddr;

use super::here::Here;
use crate::model::host::HostId;
use crate::model::value::Duration;
use crate::model::view::Fields;
use crate::quote::{Text, comment, fixed, number, plain};
use crate::services::Lowering;
use crate::services::nginx::options::{Affinity, Servers, Stream, Upstream};
use crate::source::Spanned;

pub(super) fn cookie(upstream: &Upstream) -> Fields {
    let span = upstream.affinity.as_ref().map_or(upstream.name.span, |it| it.span);
    let variable = variable(&upstream.name.value);
    Fields::new(span).text("upstream", fixed(&variable, span))
}

pub(super) fn upstream(upstream: &Upstream, cx: &mut Lowering) -> Fields {
    let name = &upstream.name;
    let servers = upstream.servers.iter().flat_map(|it| servers(it, Some(upstream), cx));
    let affinity = upstream.affinity.as_ref().map(|by| {
        let key = match by.value {
            Affinity::ClientIp => "$remote_addr".to_owned(),
            Affinity::Cookie => format!("$cg_{}", variable(&name.value)),
        };
        fixed(&key, by.span)
    });
    Fields::new(name.span)
        .text("name", fixed(&name.value, name.span))
        .maybe("hash", "has_hash", affinity)
        .list("servers", servers.collect::<Vec<_>>())
        .text("keepalive", number(upstream.keepalive.value, upstream.keepalive.span))
}

/// Where each server listens, by name.
pub(super) fn listening(servers: &Servers, cx: &Lowering) -> Vec<(Spanned<HostId>, SocketAddr)> {
    let mut hosts = servers.hosts.clone();
    hosts.sort();
    let at = |host: Spanned<HostId>| {
        let ip = cx.inventory.host(host.value).address_for(None, cx.this()).ip;
        (host, SocketAddr::new(ip, servers.port.value.get()))
    };
    hosts.into_iter().map(at).collect()
}

/// One line per server, by name.
fn servers(servers: &Servers, upstream: Option<&Upstream>, cx: &mut Lowering) -> Vec<Fields> {
    let mut lines = Vec::new();
    for (host, endpoint) in listening(servers, cx) {
        let name = cx.inventory.host(host.value).name.clone();
        let endpoint = endpoint.to_string();
        let weight = servers.weight.as_ref().map(|it| number(it.value, it.span));
        let mut line = Fields::new(host.span)
            .text("endpoint", cx.text(plain(&endpoint, host.span), host.span))
            .text("name", comment(&name, host.span))
            .maybe("weight", "has_weight", weight)
            .flag("backup", servers.backup);
        if let Some(upstream) = upstream {
            line = line
                .text("max_fails", number(upstream.max_fails.value, upstream.max_fails.span))
                .text("fail_timeout", seconds(&upstream.fail_timeout));
        }
        lines.push(line);
    }
    lines
}

/// A name as a part of an nginx variable.
pub(super) fn variable(name: &str) -> String {
    name.replace('-', "_")
}

pub(super) fn stream(stream: &Stream, here: &Here, cx: &mut Lowering) -> Fields {
    let lines: Vec<Fields> = stream.servers.iter().flat_map(|it| servers(it, None, cx)).collect();
    Fields::new(stream.span)
        .text("name", fixed(&stream.name.value, stream.name.span))
        .text("port", number(stream.port.value.get(), stream.port.span))
        .flag("affinity", stream.affinity)
        .flag("ipv6", here.ipv6)
        .list("servers", lines)
        .text("connect_timeout", seconds(&stream.connect_timeout))
        .text("idle_timeout", seconds(&stream.idle_timeout))
}

pub(super) fn seconds(time: &Spanned<Duration>) -> Text {
    fixed(&format!("{}s", time.value.seconds()), time.span)
}
