//! The script for one host, what lies beside it, and the steps and proofs that call it.

use super::super::lowering::{Owner, Scripts};
use super::super::{Located, Lowering};
use super::{Opendj, known_as};
use crate::model::consequence::Consequence;
use crate::model::host::HostId;
use crate::model::plan::{Body, Condition, Ensure, Kind, OnChange};
use crate::model::value::{AbsPath, Port};
use crate::model::view::Fields;
use crate::quote::{Encoding, Text, comment, fixed, number, sh_word, verbatim};
use crate::services::Service;
use crate::source::Spanned;

/// Under which name OpenDJ's stores trust the cluster's authority.
const AUTHORITY: &str = "cluster-ca";

pub(super) fn lower(service: &Located<Opendj>, cx: &mut Lowering) {
    let opendj = service.options;
    let here = opendj.here(&cx.inventory.cluster.name);
    let package = cx.fact("openssl.package", service.owner());
    cx.package(service.owner(), package);
    cx.directory(service.owner(), &here, 0o700);
    let from = lower_files(service, &here, cx);
    let script = format!("{here}/opendj");
    if opendj.vendor_certificates.is_none() {
        lower_stores(service, &script, from, cx);
    }
    lower_steps(service, &script, cx);
    lower_proofs(service, &script, cx);
    let secrets =
        [("password", opendj.password.clone()), ("admin-password", opendj.admin_secret())];
    for (name, secret) in secrets {
        if let Some(digest) = cx.settled.secrets.get(&secret) {
            cx.pin(format!("{}.{name}", service.key), digest, Consequence::ManualStep);
        }
    }
}

/// The script and what it reads; gives what the stores are made of.
fn lower_files(service: &Located<Opendj>, here: &str, cx: &mut Lowering) -> Vec<AbsPath> {
    let (opendj, owner) = (service.options, service.owner());
    let mut parts = Vec::new();
    if opendj.vendor_certificates.is_none() {
        parts.extend(cx.parts(Opendj::KIND, true));
        parts.push(("ca.pem", Body::Certificate { pem: cx.authority() }));
    }
    let from = parts.iter().map(|(part, _)| AbsPath::known(format!("{here}/{part}"))).collect();
    let token = cx.secret(&opendj.admin_secret(), Encoding::Raw);
    parts.push(("admin-password", Body::Secret { token }));
    for (part, body) in parts {
        cx.root_file(owner, &format!("{here}/{part}"), 0o600, body, OnChange::Nothing);
    }
    let view = view(opendj, here, cx);
    cx.template(owner, &format!("{here}/opendj"), 0o700, "opendj/opendj", view, OnChange::Nothing);
    from
}

fn view(opendj: &Opendj, here: &str, cx: &mut Lowering) -> Fields {
    let span = opendj.span;
    let word =
        |it: &Spanned<String>, cx: &mut Lowering| cx.text(sh_word(&it.value, it.span), it.span);
    let path = |it: &Spanned<AbsPath>, cx: &mut Lowering| {
        cx.text(sh_word(it.value.as_str(), it.span), it.span)
    };
    let root = match &opendj.container {
        Some(container) => path(&container.path, cx),
        None => fixed("''", span),
    };
    let enter = opendj.container.as_ref().map(|it| path(&it.enter, cx));
    let first = opendj.servers.first().map_or(cx.host, |it| it.value);
    let (name, first) = (cx.this().name.clone(), cx.inventory.host(first).name.clone());
    let ports = &opendj.ports;
    let port = |it: &Spanned<Port>| number(it.value.get(), it.span);
    Fields::new(span)
        .text("host_title", comment(&name, span))
        .text("here", fixed(here, span))
        .text("host", cx.text(sh_word(&name, span), span))
        .text("first", cx.text(sh_word(&first, span), span))
        .text("folder", path(&opendj.folder, cx))
        .text("root", root)
        // what is mounted on /run in a container cannot be seen from here
        .text("passing", fixed(if enter.is_some() { "/root" } else { "/run" }, span))
        .maybe("enter", "has_container", enter)
        .text("environment", environment(opendj, cx))
        .text("keytool", keytool(opendj, cx))
        .flag("has_stores", opendj.vendor_certificates.is_none())
        .text("authority", fixed(AUTHORITY, span))
        .text("admin_port", port(&ports.admin))
        .text("replication_port", port(&ports.replication))
        .text("ldaps_port", port(&ports.ldaps))
        .text("bind_dn", word(&opendj.bind_dn, cx))
        .text("admin", word(&opendj.admin, cx))
        .text("restart", word(&opendj.restart, cx))
        .list("servers", servers(opendj, cx))
}

fn servers(opendj: &Opendj, cx: &Lowering) -> Vec<Fields> {
    let server = |it: &Spanned<HostId>| {
        let host = cx.inventory.host(it.value);
        Fields::new(it.span)
            .text("name", fixed(&host.name, it.span))
            .text("address", fixed(&known_as(host).to_string(), it.span))
    };
    opendj.servers.iter().map(server).collect()
}

/// What stands before a call of OpenDJ's tools.
fn environment(opendj: &Opendj, cx: &mut Lowering) -> Text {
    let mut words = String::new();
    if let Some(java) = &opendj.java {
        let home = format!("OPENDJ_JAVA_HOME={}", java.value);
        words = format!(" {}", cx.text(sh_word(&home, java.span), java.span).as_str());
    }
    if opendj.vendor_certificates.is_some() {
        words += " OPENDJ_JAVA_ARGS=\"${OPENDJ_JAVA_ARGS:-}\"";
    }
    let env = if words.is_empty() { "" } else { " env" };
    verbatim(format!("{env}{words}"), opendj.java.as_ref().map_or(opendj.span, |it| it.span))
}

fn keytool(opendj: &Opendj, cx: &mut Lowering) -> Text {
    match &opendj.java {
        Some(java) => {
            let path = format!("{}/bin/keytool", java.value);
            cx.text(sh_word(&path, java.span), java.span)
        }
        // in a container it is found there
        None if opendj.container.is_some() => fixed("keytool", opendj.span),
        None => fixed("command keytool", opendj.span),
    }
}

/// From the step on in which OpenDJ shows it for the first time, its certificate is what it should be.
fn lower_stores(service: &Located<Opendj>, script: &str, from: Vec<AbsPath>, cx: &mut Lowering) {
    let opendj = service.options;
    let ensure = Ensure {
        key: format!("opendj-{}-stores", opendj.name),
        title: format!("opendj `{}`: this host shows its certificate", opendj.name),
        holds: vec![format!("{script} has-stores")],
        run: vec![format!("{script} stores")],
        from,
        last: false,
        on_change: OnChange::Nothing,
    };
    let condition = Condition { steps: vec![opendj.connectors_step()], folder: None };
    cx.add_when(service.owner(), Kind::Ensure(ensure), condition);
}

fn lower_steps(service: &Located<Opendj>, script: &str, cx: &mut Lowering) {
    let (opendj, owner) = (service.options, service.owner());
    let [first, others @ ..] = opendj.servers.as_slice() else { return };
    let call = |what: &str| vec![format!("{script} {what}")];
    let step = opendj.connectors_step();
    let scripts = Scripts {
        guard: call("is-set-up"),
        run: call("connectors"),
        proof: call("has-connectors"),
    };
    cx.step(owner, &step, scripts);
    password_file(opendj, owner, &step, cx);
    for base in &opendj.bases {
        let dn = cx.text(sh_word(&base.value, base.span), base.span).as_str().to_owned();
        let call = |what: &str, host: &str| vec![format!("{script} {what} {host} {dn}")];
        if first.value != cx.host {
            let proof = call("initialized", &cx.this().name);
            cx.step(owner, &opendj.data_step(base), Scripts { proof, ..Scripts::default() });
            continue;
        }
        for other in others {
            let name = cx.inventory.host(other.value).name.clone();
            let step = opendj.enable_step(&name, base);
            let scripts = Scripts {
                guard: vec![format!("{script} reaches {name}")],
                run: call("enable", &name),
                proof: call("enabled", &name),
            };
            cx.step(owner, &step, scripts);
            password_file(opendj, owner, &step, cx);
            let scripts = Scripts {
                guard: call("expendable", &name),
                run: call("initialize", &name),
                proof: call("initialized", &name),
            };
            cx.step(owner, &opendj.initialize_step(&name, base), scripts);
        }
    }
}

/// The directory manager's password, for as long as the step takes.
fn password_file(opendj: &Opendj, owner: Owner, step: &str, cx: &mut Lowering) {
    cx.step_file(owner, (step, "password"), "file/file", |cx| {
        let token = cx.secret(&opendj.password, Encoding::Raw);
        Fields::new(opendj.span).text("content", verbatim(token, opendj.span))
    });
}

/// The first server looks after all, the others after themselves.
fn lower_proofs(service: &Located<Opendj>, script: &str, cx: &mut Lowering) {
    let (opendj, owner) = (service.options, service.owner());
    let [first, others @ ..] = opendj.servers.as_slice() else { return };
    for base in &opendj.bases {
        let dn = cx.text(sh_word(&base.value, base.span), base.span).as_str().to_owned();
        let judged = |host: &str, step: String, cx: &mut Lowering| {
            let (name, base) = (&opendj.name, &base.value);
            let title = format!(
                "opendj `{name}`: {host} replicates `{base}`, encrypted, and misses nothing"
            );
            cx.verify_after(owner, &title, &format!("{script} judge {host} {dn}"), vec![step]);
        };
        let me = cx.this().name.clone();
        if first.value != cx.host {
            judged(&me, opendj.data_step(base), cx);
            continue;
        }
        for (at, other) in others.iter().enumerate() {
            let name = cx.inventory.host(other.value).name.clone();
            let step = opendj.initialize_step(&name, base);
            // as soon as there is one from which something may come
            if at == 0 {
                judged(&me, step.clone(), cx);
            }
            judged(&name, step, cx);
        }
    }
    for server in &opendj.servers {
        let name = cx.inventory.host(server.value).name.clone();
        let title =
            format!("opendj `{}`: {name} answers on LDAPS, {}", opendj.name, opendj.shown());
        let command = format!("{script} ldaps {name}");
        cx.verify_after(owner, &title, &command, vec![opendj.connectors_step()]);
    }
}

impl Opendj {
    fn shown(&self) -> &'static str {
        match self.vendor_certificates {
            None => "with its own certificate",
            Some(_) => "whosever certificate it shows",
        }
    }
}
