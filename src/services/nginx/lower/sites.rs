//! Sites, and what becomes of a request at each of their locations.

use super::here::Here;
use super::pairs::pair_fields;
use super::upstreams::{seconds, variable};
use crate::model::view::Fields;
use crate::platform::Platform;
use crate::quote::{
    Text, fixed, nginx_header, nginx_literal, nginx_location, nginx_word, raw_lines,
};
use crate::services::nginx::SSL;
use crate::services::nginx::options::{Affinity, Answer, Header, Location, Nginx, Site, Upstream};
use crate::services::pair::{Trust, revoked_beside, trust};
use crate::services::{Located, Lowering};
use crate::source::Span;

impl Site {
    pub(super) fn view(
        &self,
        services: &[Located<Nginx>],
        here: &Here,
        cx: &mut Lowering,
    ) -> Fields {
        let names: Vec<Text> = self
            .names()
            .map(|name| cx.text(nginx_word(&name.value, name.span), name.span))
            .collect();
        let platform = cx.this().platform.clone();
        let verified = self.verified(services, &platform);
        let locations: Vec<Fields> = self
            .locations
            .iter()
            .map(|it| it.view(self, services, verified.is_none(), cx))
            .collect();
        let pair = self.certificate.as_ref();
        let hsts = self.hsts.as_ref().map(|it| fixed(&it.value.seconds().to_string(), it.span));
        let extra: Vec<Text> = self.extra.iter().map(|lines| raw_lines(lines, 8)).collect();
        let mut view = Fields::new(self.span)
            .text("name", fixed(&self.name.value, self.name.span))
            .texts("names", names)
            .flag("tls", pair.is_some())
            .flag("redirect_http", self.redirect_http)
            .flag("ipv6", here.ipv6)
            .flag("http2_directive", here.http2_directive)
            .maybe("hsts", "has_hsts", hsts)
            .text("max_body", fixed(&self.max_body.value.to_string(), self.max_body.span))
            .list("locations", locations)
            .flag("unanswered", self.locations.iter().all(|it| it.path.value != "/"))
            .texts("extra", extra);
        view = Verified::onto(verified, view, cx);
        if let Some((name, known)) = pair {
            view = pair_fields(view, name, known, cx);
        }
        view
    }

    /// What all the site's TLS upstreams are verified by, where it is one thing: then it stands at
    /// the site instead of in every location. Locations without TLS do not mind it.
    fn verified(&self, services: &[Located<Nginx>], platform: &Platform) -> Option<Verified> {
        let upstreams = self.locations.iter().filter_map(|it| it.upstream(services));
        let mut all = upstreams.filter_map(|it| it.verified(platform));
        let first = all.next()?;
        all.all(|it| it.same(&first)).then_some(first)
    }
}

/// What a server has to prove.
pub(super) struct Verified {
    /// The name that its certificate must carry.
    pub(super) name: Text,
    /// The file of the authorities, one of which must have signed it.
    pub(super) trusted: Text,
    /// Where it is asked for.
    trusted_span: Span,
}

impl Verified {
    fn same(&self, other: &Self) -> bool {
        let words = |it: &Self| [it.name.as_str().to_owned(), it.trusted.as_str().to_owned()];
        words(self) == words(other)
    }

    fn onto(found: Option<Self>, view: Fields, cx: &Lowering) -> Fields {
        let revoked = found.as_ref().filter(|_| cx.settled.crl.is_some());
        let revoked = revoked
            .and_then(|it| Some(fixed(&revoked_beside(it.trusted.as_str())?, it.trusted_span)));
        let view = view.maybe("revoked", "has_revoked", revoked);
        let (name, trusted) = found.map(|it| (it.name, it.trusted)).unzip();
        view.maybe("verified", "has_verified", name).maybe("trusted", "has_trusted", trusted)
    }
}

impl Upstream {
    pub(super) fn verified(&self, platform: &Platform) -> Option<Verified> {
        let (name, known) = self.tls.as_ref()?;
        let trusted = match trust(&name.value, known, platform) {
            Trust::Shipped(file) => format!("{SSL}/{file}"),
            Trust::Platform(path) => path,
        };
        let trusted = fixed(&trusted, name.span);
        let first = known.names.first()?;
        Some(Verified { name: fixed(&first.value, name.span), trusted, trusted_span: name.span })
    }
}

/// What servers are told everywhere, name and value; nginx inherits it only where a location adds
/// nothing of its own.
const REQUEST_HEADERS: [(&str, &str); 7] = [
    ("Host", "$host"),
    ("X-Real-IP", "$remote_addr"),
    ("X-Forwarded-For", "$proxy_add_x_forwarded_for"),
    ("X-Forwarded-Proto", "$scheme"),
    ("X-Forwarded-Host", "$host"),
    ("Upgrade", "$upgrade"),
    ("Connection", "$connection_upgrade"),
];

impl Location {
    /// The usual headers but those that the location sets itself: nginx would send both.
    fn inherited_headers(&self) -> Vec<Text> {
        let own = |name: &str| {
            self.request_headers.iter().any(|it| it.name.value.eq_ignore_ascii_case(name))
        };
        REQUEST_HEADERS
            .iter()
            .filter(|(name, _)| !own(name))
            .map(|(name, value)| fixed(&format!("{name:<19}{value}"), self.span))
            .collect()
    }

    fn upstream<'a>(&self, services: &[Located<'a, Nginx>]) -> Option<&'a Upstream> {
        let Answer::Upstream(name) = &self.answer else { return None };
        services.iter().flat_map(|it| &it.options.upstreams).find(|it| it.name.value == name.value)
    }

    fn view(
        &self,
        site: &Site,
        services: &[Located<Nginx>],
        verify: bool,
        cx: &mut Lowering,
    ) -> Fields {
        let upstream = self.upstream(services);
        let path = nginx_location(&self.path.value, self.path.span);
        let mut view = Fields::new(self.span)
            .text("path", cx.text(path, self.path.span))
            .flag("proxies", upstream.is_some())
            .text("connect_timeout", seconds(&self.connect_timeout))
            .text("read_timeout", seconds(&self.read_timeout))
            .flag("has_request_headers", !self.request_headers.is_empty())
            .texts("inherited_headers", self.inherited_headers())
            .list("request_headers", headers(&self.request_headers, cx))
            .flag("has_response_headers", !self.response_headers.is_empty())
            .list("response_headers", headers(&self.response_headers, cx))
            .texts(
                "extra",
                self.extra.iter().map(|lines| raw_lines(lines, 12)).collect::<Vec<_>>(),
            );
        let by = upstream.and_then(|it| it.affinity.as_ref());
        let by = by.filter(|by| by.value == Affinity::Cookie);
        let cookie = upstream.zip(by).map(|(it, by)| fixed(&variable(&it.name.value), by.span));
        // nginx inherits `add_header` only where a location has none of its own
        let adds = cookie.is_some() || !self.response_headers.is_empty();
        let hsts = site.hsts.as_ref().filter(|_| adds);
        let hsts = hsts.map(|it| fixed(&it.value.seconds().to_string(), it.span));
        view = view.maybe("hsts", "repeats_hsts", hsts).maybe("cookie", "has_cookie", cookie);
        if let Some(upstream) = upstream {
            let scheme = if upstream.tls.is_some() { "https" } else { "http" };
            view = view
                .text("scheme", fixed(scheme, upstream.name.span))
                .text("upstream", fixed(&upstream.name.value, self.answer.span()));
            let platform = cx.this().platform.clone();
            view = Verified::onto(upstream.verified(&platform).filter(|_| verify), view, cx);
        }
        if let Answer::Redirect(url) = &self.answer {
            let url = cx.text(nginx_literal(&url.value, url.span), url.span);
            view = view.text("redirect", url);
        }
        view
    }
}

impl Answer {
    fn span(&self) -> Span {
        match self {
            Self::Upstream(name) | Self::Redirect(name) => name.span,
        }
    }
}

fn headers(headers: &[Header], cx: &mut Lowering) -> Vec<Fields> {
    headers
        .iter()
        .map(|header| {
            let name =
                cx.text(nginx_header(&header.name.value, header.name.span), header.name.span);
            let value = nginx_literal(&header.value.value, header.value.span);
            let value = cx.text(value, header.value.span);
            Fields::new(header.name.span).text("name", name).text("value", value)
        })
        .collect()
}
