//! clustergen compiles one description of a high-availability cluster into one bundle per host.
//!
//! # The way of the data
//!
//! | stage | from | to | where |
//! |---|---|---|---|
//! | parse | texts | `Document`: our own nodes, a place on every value | [`source`], [`syntax`] |
//! | inventory | `Document` | `Inventory`: cluster, hosts, groups | [`schema`], [`platform`], [`systemd`], [`inventory`] |
//! | expand | `Document` | `Document`: products written out as services | [`products`] |
//! | decode | `Document` | `Cluster`: typed options | [`services`], [`decode`] |
//! | declare | `Cluster` | `Facts`: what services ask and offer | [`declare`] |
//! | check | `Facts` | diagnostics: what no single service can see | [`check`] |
//! | look out | `Facts` | `Door`s: who may come in where | [`doors`] |
//! | settle | `Facts`, lock | `Settled`: what is made once and stays | [`identity`] |
//! | lower | all of it, a host | `HostPlan`: plain data | [`lower`] |
//! | render | `HostPlan` | `Bundle`: bytes | [`quote`], [`render`] |
//! | diff, write | `Bundle`s, what was there | a page, files | [`diff`], [`output`], [`disk`] |
//!
//! [`compile`] is the way up to `Settled`; [`run`] takes it to the end; [`pack`] makes of a build
//! what is carried to the hosts; [`certs`] makes requests for certificates that others sign; [`secrets`] takes values in; [`cli`]
//! is the edge. [`reference`] tells what the schema says, [`systemd`] which directives there are
//! since when, [`watch`] how far a build is.
//!
//! `docs/decisions.md` says why things are as they are.
//!
//! # Invariants
//!
//! - The core does no I/O: texts come in by [`source::Folder`], changes go out by [`disk::Disk`],
//!   entropy and dates by [`identity::Mint`], signatures by [`pack::Sign`]. It never ends the process and
//!   never prints.
//! - A module imports only from those above it in the table; services never import each other.
//! - A template is given only [`quote::Text`], made by a quoting function, and booleans.
//! - Every value and resource carries the place that made it ([`source::Span`]).
//! - Everything is sorted (`BTreeMap`, ids by name): the same input gives the same bytes.
//! - Nothing secret is in a plan, a bundle or a diagnostic: only tokens and digests. Values are in
//!   the vault's writes and in archives.

pub mod certs;
pub mod check;
pub mod cli;
pub mod declare;
pub mod decode;
pub mod diag;
pub mod diff;
pub mod disk;
pub mod doors;
pub mod identity;
pub mod inventory;
pub mod lower;
pub mod model;
pub mod output;
pub mod pack;
pub mod platform;
pub mod products;
pub mod quote;
pub mod reference;
pub mod render;
pub mod run;
pub mod schema;
pub mod secrets;
pub mod services;
pub mod source;
pub mod syntax;
pub mod systemd;
pub mod watch;

use std::collections::BTreeMap;

use decode::Cluster;
use diag::{Code, Diagnostic, Diagnostics};
use identity::{Allotted, Before, Dry, Lock, Mint, Readers, State};
use inventory::Inventory;
use model::facts::Facts;
use model::host::HostId;
use model::plan::HostPlan;
use platform::Platforms;
use render::{Bundle, MadeFrom, TemplateFault, Templates};
use schema::Schema;
use source::{FileId, Sources, Span};
use syntax::node::Document;
use watch::Watch;

/// What clustergen itself knows: embedded, the same for every description.
pub struct Knowledge {
    pub schema: Schema,
    pub platforms: Platforms,
}

impl Knowledge {
    /// Loads the embedded schema and platforms.
    ///
    /// # Errors
    /// A fault of clustergen's, as a sentence.
    pub fn load(sources: &mut Sources) -> Result<Self, String> {
        Ok(Self { schema: schema::load(sources)?, platforms: Platforms::load(sources)? })
    }
}

/// A description, compiled up to the point from which hosts go their own way.
pub struct Compiled {
    /// What the description says, with the products written out.
    pub expanded: Document,
    /// SHA-256 of what was parsed: a comment changes nothing.
    pub digest: String,
    pub inventory: Inventory,
    pub cluster: Cluster,
    pub facts: Facts,
    pub allotted: Allotted,
    pub readers: Readers,
    pub templates: Templates,
    own_templates: BTreeMap<String, FileId>,
    description: String,
}

/// A description, understood: what services ask and offer, before anything is allotted.
pub struct Described {
    pub document: Document,
    pub expanded: Document,
    pub inventory: Inventory,
    pub cluster: Cluster,
    pub facts: Facts,
}

/// Reads a description up to its facts. All faults of all stages that can run are told; `None`
/// where there is no cluster to go on with.
pub fn describe(
    knowledge: &Knowledge,
    sources: &mut Sources,
    file: FileId,
    watch: &dyn Watch,
    diagnostics: &mut Diagnostics,
) -> Option<Described> {
    let Knowledge { schema, platforms } = knowledge;
    watch.stage("parse");
    let document = syntax::parse(sources, file, diagnostics);
    if diagnostics.fatal(false) {
        // a text is missing: what refers to it would be told for nothing
        for node in &document.nodes {
            schema::check::check(node, schema, diagnostics);
        }
        return None;
    }
    let whole = sources.span(file);
    watch.stage("inventory");
    let inventory = inventory::inventory(&document, schema, platforms, whole, diagnostics)?;
    watch.stage("expand");
    let expanded = products::expand(&document, &inventory, schema, diagnostics);
    watch.stage("decode");
    let cluster = decode::decode(&expanded, &inventory, schema, diagnostics);
    watch.stage("declare");
    let facts = declare::declare(&cluster, &inventory);
    watch.stage("check");
    check::check(&expanded, &cluster, &inventory, &facts, diagnostics);
    // certificates and bundles would be for names that only stand in
    let sound = inventory.cluster.is_sound;
    sound.then_some(Described { document, expanded, inventory, cluster, facts })
}

/// What is compiled: a description, and what was allotted for it before.
pub struct Given<'a> {
    pub file: FileId,
    pub state: &'a State<'a>,
    pub lock: &'a Lock,
}

/// Compiles a description. All faults of all stages that can run are told; `None` where there is
/// no cluster to go on with.
pub fn compile(
    knowledge: &Knowledge,
    sources: &mut Sources,
    given: &Given,
    mint: &mut dyn Mint,
    watch: &dyn Watch,
    diagnostics: &mut Diagnostics,
) -> Option<Compiled> {
    let Given { file, state, lock } = *given;
    let described = describe(knowledge, sources, file, watch, diagnostics)?;
    let Described { document, expanded, inventory, cluster, facts } = described;
    watch.stage("read certificates");
    let signed = identity::given(&facts, &inventory, sources, diagnostics);
    let readers = identity::readers(&inventory, diagnostics);
    identity::compare_recipients(&readers, &inventory, state, diagnostics);
    watch.stage("load templates");
    let (templates, own_templates) = templates(&inventory, sources, diagnostics)?;
    // behind a fault nothing is made for good, but what follows is looked at all the same
    let mint: &mut dyn Mint = if diagnostics.fatal(false) { &mut Dry } else { mint };
    watch.stage("settle");
    let description = sources.file(file).name.clone();
    let before = Before { description: &description, state, lock };
    let allotted = identity::settle(&facts, &inventory, &signed, &before, mint, diagnostics);
    let digest = render::sha256(syntax::print(&document).as_bytes());
    Some(Compiled {
        expanded,
        digest,
        inventory,
        cluster,
        facts,
        allotted,
        readers,
        templates,
        own_templates,
        description,
    })
}

impl Compiled {
    /// What headers say of where things come from.
    #[must_use]
    pub fn made_from(&self) -> MadeFrom<'_> {
        MadeFrom { cluster: &self.inventory.cluster.name, description: &self.description }
    }

    /// The plan of one host.
    pub fn plan(&self, host: HostId, diagnostics: &mut Diagnostics) -> HostPlan {
        let Self { cluster, inventory, facts, allotted, .. } = self;
        lower::lower(cluster, inventory, facts, &allotted.settled, host, diagnostics)
    }

    /// The bundle of one host, from a plan in which nothing is wrong; `None` where a template of
    /// the user's fails.
    pub fn bundle(
        &self,
        plan: &HostPlan,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) -> Option<Bundle> {
        let rendered = render::render(plan, &self.templates, &self.made_from());
        rendered
            .map_err(|(fault, origin)| self.told(&fault, Some(origin), sources, diagnostics))
            .ok()
    }

    /// The runbook of the whole cluster; `None` where a template of the user's fails.
    pub fn runbook(&self, sources: &Sources, diagnostics: &mut Diagnostics) -> Option<String> {
        let view = render::runbook::view(&self.inventory, &self.facts, &self.made_from());
        let rendered = self.templates.render("runbook/RUNBOOK.md", &view);
        rendered.map_err(|fault| self.told(&fault, None, sources, diagnostics)).ok()
    }

    fn told(
        &self,
        fault: &TemplateFault,
        origin: Option<Span>,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) {
        diagnostics.push(template_diagnostic(fault, origin, &self.own_templates, sources));
    }
}

/// Our templates, and those of the user's that replace them.
fn templates(
    inventory: &Inventory,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<(Templates, BTreeMap<String, FileId>)> {
    let mut own: BTreeMap<String, FileId> = BTreeMap::new();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    if let Some(folder) = &inventory.cluster.templates {
        let name = folder.value.trim_end_matches('/');
        let found = sources.folder().list(name);
        let files = found.unwrap_or_else(|message| {
            let diagnostic = Diagnostic::error(Code::CannotRead, message);
            let help = "name a folder beside the description";
            diagnostics.push(diagnostic.at(folder.span, "").help(help));
            Vec::new()
        });
        for file in files {
            match sources.open_inside(&format!("{name}/{file}")) {
                Ok(id) => {
                    texts.insert(file.clone(), sources.file(id).text.clone());
                    let name = file.strip_suffix(".tera").unwrap_or(&file).to_owned();
                    own.insert(name, id);
                }
                Err(message) => {
                    let diagnostic = Diagnostic::error(Code::CannotRead, message);
                    let help = "templates are texts; take other files out of the folder";
                    diagnostics.push(diagnostic.at(folder.span, "").help(help));
                }
            }
        }
    }
    match Templates::load(&texts) {
        Ok(templates) => Some((templates, own)),
        Err(faults) => {
            for fault in faults {
                diagnostics.push(template_diagnostic(&fault, None, &own, sources));
            }
            // what follows is looked at with our own
            Templates::load(&BTreeMap::new()).ok().map(|templates| (templates, own))
        }
    }
}

/// Points into the user's own template where the fault is in one.
fn template_diagnostic(
    fault: &TemplateFault,
    origin: Option<Span>,
    own: &BTreeMap<String, FileId>,
    sources: &Sources,
) -> Diagnostic {
    let mut lines = fault.message.lines().map(str::trim).filter(|line| !line.is_empty());
    let name = match own.get(&fault.template) {
        Some(file) => sources.file(*file).name.clone(),
        None => format!("{}.tera", fault.template),
    };
    let message = format!("`{name}`: {}", lines.next().unwrap_or_default());
    let mut diagnostic = Diagnostic::error(Code::Template, message);
    match own.get(&fault.template) {
        Some(file) => {
            let span = sources.file(*file).line(*file, fault.line.max(1));
            diagnostic = diagnostic
                .at(span, "in this template of yours")
                .help("mend it, or take the file away to have clustergen's own");
        }
        None => diagnostic = diagnostic.help("this is a fault of clustergen's: please report it"),
    }
    match origin {
        Some(origin) => diagnostic.at(origin, "rendered for this"),
        None => diagnostic,
    }
}
