//! The view of `nginx.conf`: what all the services of a host say together.

use std::collections::BTreeMap;

use super::here::Here;
use super::pairs::pair_fields;
use super::upstreams::{cookie, stream, upstream};
use crate::diag::{Code, Diagnostic};
use crate::model::view::Fields;
use crate::quote::{Text, fixed, number, raw_lines};
use crate::services::nginx::options::{Affinity, Nginx};
use crate::services::{Located, Lowering};
use crate::source::Span;

pub(super) fn configuration(services: &[Located<Nginx>], cx: &mut Lowering) -> Fields {
    let [first, ..] = services else { return Fields::new(Span::default()) };
    let span = first.origin.span;
    let here = Here::of(first.options, cx);
    let user = cx.fact("nginx.user", first.owner());
    let modules = cx.fact("nginx.modules", first.owner());
    let connections = services.iter().map(|it| &it.options.worker_connections);
    let connections = connections.max_by_key(|it| it.value).map_or(4096, |it| it.value);
    let at = first.options.worker_connections.span;
    let upstreams = all(services, cx, |it| &it.upstreams, upstream);
    let cookies: Vec<Fields> = services
        .iter()
        .flat_map(|it| &it.options.upstreams)
        .filter(|it| it.affinity.as_ref().is_some_and(|by| by.value == Affinity::Cookie))
        .map(cookie)
        .collect();
    let sites = all(services, cx, |it| &it.sites, |it, cx| it.view(services, &here, cx));
    let streams = all(services, cx, |it| &it.streams, |it, cx| stream(it, &here, cx));
    let extra: Vec<Text> =
        services.iter().flat_map(|it| &it.options.extra).map(|lines| raw_lines(lines, 4)).collect();
    names_differ(services, cx);
    let all_sites = || services.iter().flat_map(|it| &it.options.sites);
    let tls = all_sites().find(|it| it.certificate.is_some());
    let plain_http = all_sites().any(|it| it.certificate.is_none() || it.redirect_http);
    let fallback = tls.and_then(|site| site.certificate.as_ref());
    let mut view = Fields::new(span)
        .text("user", fixed(&user, span))
        .text("modules", fixed(&modules, span))
        .text("worker_connections", number(connections, at))
        .text("open_files", number(connections * 2, at))
        .flag("has_http", !sites.is_empty() || !extra.is_empty())
        .flag("has_cookies", !cookies.is_empty())
        .list("cookies", cookies)
        .list("upstreams", upstreams)
        .flag("plain_http", plain_http)
        .flag("tls", tls.is_some())
        .flag("ipv6", here.ipv6)
        .flag("reject_handshake", here.reject_handshake)
        .list("sites", sites)
        .flag("has_streams", !streams.is_empty())
        .list("streams", streams)
        .texts("extra", extra);
    if let Some((name, known)) = fallback {
        let pair = pair_fields(Fields::new(name.span), name, known, cx);
        view = view.fields("fallback", pair);
    }
    view
}

/// One list over all the services of this host, in their order.
fn all<'a, T: 'a>(
    services: &'a [Located<'a, Nginx>],
    cx: &mut Lowering,
    list: impl Fn(&'a Nginx) -> &'a Vec<T>,
    view: impl Fn(&'a T, &mut Lowering) -> Fields,
) -> Vec<Fields> {
    let mut views = Vec::new();
    for service in services {
        for item in list(service.options) {
            views.push(view(item, cx));
        }
    }
    views
}

/// Services on one host share nginx's names.
fn names_differ(services: &[Located<Nginx>], cx: &mut Lowering) {
    let mut seen: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    for service in services {
        let upstreams = service.options.upstreams.iter().map(|it| ("upstream", &it.name));
        let sites = service.options.sites.iter().map(|it| ("site", &it.name));
        for (what, name) in upstreams.chain(sites) {
            if let Some(first) = seen.insert((what, &name.value), name.span) {
                let host = &cx.plan.name;
                let message = format!("two services give `{host}` the {what} `{}`", name.value);
                cx.diagnostics.push(
                    Diagnostic::error(Code::NameTaken, message)
                        .at(name.span, "the second one")
                        .at(first, "the first one")
                        .help("give one of them another name"),
                );
            }
        }
    }
}
