//! What a service's `lower` works with: one host's plan, and what was declared and settled.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::{Host, Inventory};
use crate::model::consequence::Consequence;
use crate::model::facts::{Facts, Origin, Pin, ServiceKey, StepFact, service_kind};
use crate::model::host::HostId;
use crate::model::plan::{
    Block, Body, Check, Condition, Directory, File, HostPlan, Kind, OnChange, Resource, Slot, Step,
    StepFile, Unit, Verify,
};
use crate::model::settled::Settled;
use crate::model::value::{AbsPath, Mode};
use crate::model::view::Fields;
use crate::quote::{Encoding, Quoted, Text, fixed};
use crate::source::Span;

/// One host's plan in the making.
pub struct Lowering<'a> {
    pub inventory: &'a Inventory,
    pub facts: &'a Facts,
    pub settled: &'a Settled,
    pub host: HostId,
    pub plan: &'a mut HostPlan,
    pub diagnostics: &'a mut Diagnostics,
    /// What is lowered now is a file of a one-time step.
    pub for_step: bool,
}

/// What a one-time step runs on its host: lines of sh. See [`Step`].
#[derive(Default)]
pub(super) struct Scripts {
    pub(super) guard: Vec<String>,
    pub(super) run: Vec<String>,
    pub(super) proof: Vec<String>,
}

/// Who wants a resource.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) key: &'a ServiceKey,
    pub(super) origin: &'a Origin,
}

impl Lowering<'_> {
    pub(super) fn this(&self) -> &Host {
        self.inventory.host(self.host)
    }

    /// A fact of the host's platform; told, once, where the platform has none.
    pub(super) fn fact(&mut self, name: &str, owner: Owner) -> String {
        if let Some(fact) = self.this().platform.fact(name) {
            return fact.to_owned();
        }
        let id = &self.this().platform.id;
        let what = name.split('.').next().unwrap_or(name);
        let message = format!("`{id}` has no package for {what}");
        let help = "choose another platform, or another way to do this";
        let diagnostic = Diagnostic::error(Code::NotPackaged, message)
            .at(owner.origin.span, format!("`{}` is put on `{}`", owner.key, self.this().name))
            .help(help);
        self.diagnostics.push(diagnostic);
        String::new()
    }

    /// A quoted text, or the fault at its place.
    pub(super) fn text(&mut self, quoted: Quoted, span: Span) -> Text {
        quoted.unwrap_or_else(|wrong| {
            self.diagnostics
                .push(Diagnostic::error(Code::Unquotable, wrong.why).at(span, "").help(wrong.help));
            fixed("", span)
        })
    }

    pub(super) fn add(&mut self, owner: Owner, kind: Kind) {
        self.add_when(owner, kind, Condition::default());
    }

    /// A resource that is not seen to always.
    pub(super) fn add_when(&mut self, owner: Owner, kind: Kind, condition: Condition) {
        let key = kind.key();
        if let Some(other) = self.plan.resources.get(&key) {
            // two that want the same thing can both have it; services of two kinds that want
            // different things at one path were told when their claims were compared
            let at_a_path = matches!(
                kind,
                Kind::File(_) | Kind::Block(_) | Kind::Keys(_) | Kind::Link(_) | Kind::Made(_)
            );
            let told = at_a_path && service_kind(&other.owner) != service_kind(owner.key);
            if told || other.kind == kind {
                return;
            }
            let message = format!("two owners of `{}` on `{}`", key.shown(), self.plan.name);
            self.diagnostics.push(
                Diagnostic::error(Code::PathTaken, message)
                    .at(owner.origin.span, format!("`{}` makes it", owner.key))
                    .at(other.origin.span, format!("`{}` makes it too", other.owner))
                    .help("take it out of one of them"),
            );
            return;
        }
        let (owner, origin) = (owner.key.clone(), owner.origin.clone());
        let resource = Resource { kind, condition, owner, origin };
        self.plan.resources.insert(key, resource);
    }

    pub(super) fn package(&mut self, owner: Owner, name: String) {
        if !name.is_empty() {
            self.add(owner, Kind::Package(name));
        }
    }

    pub(super) fn directory(&mut self, owner: Owner, path: &str, mode: u16) {
        let directory = Directory {
            path: AbsPath::known(path),
            mode: Mode::known(mode),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            exact: false,
        };
        self.add(owner, Kind::Directory(directory));
    }

    /// A file of root's from a template.
    pub(super) fn template(
        &mut self,
        owner: Owner,
        path: &str,
        mode: u16,
        name: &'static str,
        view: Fields,
        on_change: OnChange,
    ) {
        self.root_file(owner, path, mode, Body::Template { name, view }, on_change);
    }

    pub(super) fn root_file(
        &mut self,
        owner: Owner,
        path: &str,
        mode: u16,
        body: Body,
        on_change: OnChange,
    ) {
        let file = File {
            path: AbsPath::known(path),
            mode: Mode::known(mode),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            seed: false,
            body,
            on_change,
        };
        self.add(owner, Kind::File(file));
    }

    pub(super) fn block(
        &mut self,
        owner: Owner,
        path: &str,
        template: &'static str,
        view: Fields,
        on_change: OnChange,
    ) {
        let mark = self.inventory.cluster.name.clone();
        let path = AbsPath::known(path);
        self.add(owner, Kind::Block(Block { path, mark, template, view, on_change }));
    }

    /// A value that was allotted and whose change has a consequence that the files alone do not show.
    pub(super) fn pin(&mut self, key: String, value: &str, consequence: Consequence) {
        self.plan.pins.insert(key.clone(), Pin { key, value: value.to_owned(), consequence });
    }

    pub(super) fn unit(&mut self, owner: Owner, name: &str, conflicts: &[&str]) {
        let conflicts = conflicts.iter().map(|it| (*it).to_owned()).collect();
        self.add(owner, Kind::Unit(Unit { name: name.to_owned(), conflicts }));
    }

    pub(super) fn check(&mut self, owner: Owner, command: &str, good: &[u8], reads: &[&str]) {
        let reads = reads.iter().map(|path| AbsPath::known(*path)).collect();
        let check = Check { command: command.to_owned(), good: good.to_vec(), reads };
        self.add(owner, Kind::Check(check));
    }

    /// Something that `--verify` proves with a line of sh.
    pub(super) fn verify(&mut self, owner: Owner, title: &str, command: &str) {
        self.verify_after(owner, title, command, Vec::new());
    }

    /// The same, once these steps of the host are done.
    pub(super) fn verify_after(
        &mut self,
        owner: Owner,
        title: &str,
        command: &str,
        steps: Vec<String>,
    ) {
        let verify = Verify { title: title.to_owned(), command: command.to_owned() };
        self.add_when(owner, Kind::Verify(verify), Condition { steps, folder: None });
    }

    /// This host's part of a step that was declared; its scripts are lines of sh.
    pub(super) fn step(&mut self, owner: Owner, key: &str, scripts: Scripts) {
        let order = &self.facts.step_order;
        let known = |at: &u32| {
            let fact = &self.facts.steps[*at as usize];
            fact.host == self.host && fact.key == key
        };
        // one that waits for itself was told
        let Some(place) = order.iter().position(known) else { return };
        let fact = &self.facts.steps[order[place] as usize];
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let Scripts { guard, run, proof } = scripts;
        let step = Step {
            key: key.to_owned(),
            title: fact.title.clone(),
            number: (count(place + 1), count(order.len())),
            after: own_before(fact),
            guard,
            run,
            proof,
            destroys: fact.destroys,
        };
        self.add(owner, Kind::Step(step));
    }

    /// What a step of this host finds as `$files/NAME`. Secrets that `view` asks for may come later
    /// than the bundle.
    pub(super) fn step_file(
        &mut self,
        owner: Owner,
        (step, name): (&str, &str),
        template: &'static str,
        view: impl FnOnce(&mut Self) -> Fields,
    ) {
        self.for_step = true;
        let view = view(self);
        self.for_step = false;
        let (step, name) = (step.to_owned(), name.to_owned());
        self.add(owner, Kind::StepFile(StepFile { step, name, template, view }));
    }

    /// The token that stands for a secret in what people review.
    pub(super) fn secret(&mut self, key: &str, encoding: Encoding) -> String {
        let digest = self.settled.secrets.get(key).map_or(Slot::UNSET, String::as_str);
        let token = format!("CGSECRET_{}_{}_{digest}", token_word(key), encoding.word());
        self.slot(token, key.to_owned(), encoding)
    }

    pub(super) fn slot(&mut self, token: String, secret: String, encoding: Encoding) -> String {
        let for_steps =
            self.for_step && self.plan.slots.get(&token).is_none_or(|known| known.for_steps);
        let slot = Slot { token: token.clone(), secret, encoding, for_steps };
        self.plan.slots.insert(token.clone(), slot);
        token
    }
}

impl<'a, T> super::Located<'a, T> {
    pub(super) fn owner(&self) -> Owner<'a> {
        Owner { key: self.key, origin: self.origin }
    }
}

/// The steps of the same host that come before.
fn own_before(fact: &StepFact) -> Vec<String> {
    let own = fact.after.iter().filter(|(host, _)| *host == fact.host);
    own.map(|(_, key)| key.clone()).collect()
}

/// A secret's key as a part of a token: letters, digits and `_`, which no format has to quote.
pub(super) fn token_word(key: &str) -> String {
    let mut word = String::new();
    for c in key.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c);
        } else if !word.ends_with('_') {
            word.push('_');
        }
    }
    word.trim_end_matches('_').to_owned()
}
