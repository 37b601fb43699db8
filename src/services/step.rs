//! `step`: something that is done once on a host, in an order over the cluster.
//!
//! Its commands are the person's own; they land in `host.sh` as one quoted word each, so that a
//! brace too many is the command's fault and not the script's. Not here: the order (see `declare`).

use super::after::After;
use super::content::Content;
use super::decode::set;
use super::lowering::Scripts;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::StepFact;
use crate::model::host::HostSet;
use crate::quote::sh_word;
use crate::source::Spanned;
use crate::syntax::node::Node;

/// The engine's own step, of every host on which a secret is born.
const EXPORT: &str = "export";

pub(super) struct OwnStep {
    name: Spanned<String>,
    on: HostSet,
    title: String,
    after: Vec<After>,
    files: Vec<(String, Content)>,
    guard: Option<Spanned<String>>,
    run: Option<Spanned<String>>,
    proof: Spanned<String>,
    destroys: bool,
}

impl Service for OwnStep {
    const KIND: &'static str = "step";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let name = read::text(node.args.first()?)?;
        let on = set(&cx.managed_hosts(node, "on"));
        let after = After::all(node, cx);
        let files = Content::files(node, cx)?;
        let command = |child: &str| read::first(node, child).and_then(read::text);
        Some(Self {
            on,
            title: command("title").map_or_else(|| name.value.clone(), |it| it.value),
            after,
            files,
            guard: command("guard"),
            run: command("run"),
            proof: command("proof")?,
            destroys: node.child("destroys").is_some(),
            name,
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        for host in self.on.iter() {
            let after = self.after.iter().map(|it| it.of(host));
            let place = self.after.first().map(|it| it.span);
            declare.step(StepFact {
                key: self.name.value.clone(),
                host,
                after: after.collect(),
                title: self.title.clone(),
                needs: self.files.iter().flat_map(|(_, it)| it.secrets()).cloned().collect(),
                destroys: self.destroys,
                origin: place.map_or_else(|| declare.origin.clone(), |span| declare.at(span)),
            });
        }
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        if self.name.value == EXPORT {
            let message = format!("`apply.sh --bootstrap {EXPORT}` is something else already");
            let help = "give the step another name: this one hands over the secrets that are made on a host";
            let diagnostic = Diagnostic::error(Code::NameTaken, message);
            diagnostics.push(diagnostic.at(self.name.span, "").help(help));
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            let step = service.options;
            let mut shell = |command: &Spanned<String>| -> Vec<String> {
                let word = cx.text(sh_word(command.value.trim_end(), command.span), command.span);
                vec![format!("sh -ec {}", word.as_str())]
            };
            let scripts = Scripts {
                guard: step.guard.as_ref().map(&mut shell).unwrap_or_default(),
                run: step.run.as_ref().map(&mut shell).unwrap_or_default(),
                proof: shell(&step.proof),
            };
            cx.step(service.owner(), &step.name.value, scripts);
            for (name, content) in &step.files {
                let of_step = (step.name.value.as_str(), name.as_str());
                cx.step_file(service.owner(), of_step, "file/file", |cx| content.view(cx));
            }
        }
    }
}
