//! One host's plan to the bytes of its bundle.
//!
//! In: [`HostPlan`], [`Templates`]. Out: [`Bundle`], every file with its content and mode, and on
//! demand the origin of each line. Not here: files on disk, secrets (there are only tokens).

mod engine;
mod host_sh;
mod known_hosts;
mod manifest;
mod origins;
mod ports;
mod ports_by_hand;
pub mod runbook;

pub use engine::{TemplateFault, Templates, apply_sh};
pub use known_hosts::known_hosts;
pub use manifest::{Manifest, ManifestEntry};
pub use origins::Traced;

use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::model::plan::{Body, HostPlan, Kind, Resource};
use crate::model::view::Fields;
use crate::quote::comment;
use crate::source::Span;

/// A file of a bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleFile {
    pub bytes: Vec<u8>,
    /// Whether a person runs it.
    pub executable: bool,
}

/// All that one host is sent, by path within the bundle. The history is not part of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bundle {
    pub host: String,
    pub files: BTreeMap<String, BundleFile>,
    pub manifest: Manifest,
}

impl Bundle {
    /// SHA-256 of `SHA256SUMS`: names everything in the bundle.
    #[must_use]
    pub fn digest(&self) -> String {
        self.files.get(SUMS).map(|sums| sha256(&sums.bytes)).unwrap_or_default()
    }
}

/// The list of a bundle's files with their digests, as `sha256sum -c` reads it.
pub const SUMS: &str = "SHA256SUMS";

/// A host's secrets, sealed to its keys.
pub const SEALED: &str = "secrets.age";

/// Where things come from, as headers say it.
#[derive(Clone, Debug)]
pub struct MadeFrom<'a> {
    pub cluster: &'a str,
    /// The description's file name.
    pub description: &'a str,
}

/// Renders everything of one host.
///
/// # Errors
/// The first template that failed, and the origin of what it was for.
pub fn render(
    plan: &HostPlan,
    templates: &Templates,
    from: &MadeFrom,
) -> Result<Bundle, (TemplateFault, Span)> {
    let mut files: BTreeMap<String, BundleFile> = BTreeMap::new();
    for resource in plan.resources.values() {
        if let Some((path, text)) = content(resource, templates, from)? {
            files.insert(path, BundleFile { bytes: text.into_bytes(), executable: false });
        }
    }
    let manifest = Manifest::of(plan, from, &files);
    let json = manifest.to_json();
    let view = host_sh::view(plan, from);
    let view = view.map_err(|message| (host_fault(message), plan.origin.span))?;
    let script = templates.render("apply/host.sh", &view).map_err(|it| (it, plan.origin.span))?;
    let mut add = |name: &str, text: String, executable: bool| {
        files.insert(name.to_owned(), BundleFile { bytes: text.into_bytes(), executable });
    };
    add("apply.sh", apply_sh(), true);
    add("host.sh", script, false);
    add("manifest.json", json, false);
    if let Some(sealed) = &plan.sealed {
        add(SEALED, sealed.clone(), false);
    }
    let sums = sums(&files);
    files.insert(SUMS.to_owned(), BundleFile { bytes: sums.into_bytes(), executable: false });
    Ok(Bundle { host: plan.name.clone(), files, manifest })
}

/// The origins of the lines of one file of a bundle; `None` where it has none of its own
/// (scripts, manifests, certificates).
#[must_use]
pub fn trace(
    plan: &HostPlan,
    path: &str,
    templates: &Templates,
    from: &MadeFrom,
) -> Option<Traced> {
    let resource = plan.resources.values().find(|it| place(it).as_deref() == Some(path))?;
    let (name, view) = template(resource)?;
    let view = with_made(view, resource, from);
    let (marked, origins) = templates.render_marked(name, &view).ok()?;
    Some(origins::trace(&marked, &origins, view.origin))
}

/// Where a resource lies in the bundle.
#[must_use]
pub fn place(resource: &Resource) -> Option<String> {
    match &resource.kind {
        Kind::File(file) => Some(format!("files{}", file.path)),
        Kind::Block(block) => Some(format!("edits{}.block", block.path)),
        Kind::Keys(keys) => Some(format!("edits{}.keys", keys.path)),
        Kind::StepFile(file) => Some(format!("steps/{}/{}", file.step, file.name)),
        _ => None,
    }
}

fn template(resource: &Resource) -> Option<(&'static str, &Fields)> {
    match &resource.kind {
        Kind::File(file) => match &file.body {
            Body::Template { name, view } => Some((name, view)),
            _ => None,
        },
        Kind::Block(block) => Some((block.template, &block.view)),
        Kind::Keys(keys) => Some((keys.template, &keys.view)),
        Kind::StepFile(file) => Some((file.template, &file.view)),
        _ => None,
    }
}

fn content(
    resource: &Resource,
    templates: &Templates,
    from: &MadeFrom,
) -> Result<Option<(String, String)>, (TemplateFault, Span)> {
    let Some(path) = place(resource) else { return Ok(None) };
    if let Kind::File(file) = &resource.kind {
        match &file.body {
            Body::Certificate { pem } => return Ok(Some((path, pem.clone()))),
            Body::Secret { token } => return Ok(Some((path, format!("{token}\n")))),
            Body::Template { .. } => {}
        }
    }
    let Some((name, view)) = template(resource) else { return Ok(None) };
    let text = templates.render(name, &with_made(view, resource, from));
    Ok(Some((path, text.map_err(|fault| (fault, resource.origin.span))?)))
}

/// Every template is told who made the file: `made.from` and `made.owner`.
fn with_made(view: &Fields, resource: &Resource, from: &MadeFrom) -> Fields {
    let span = view.origin;
    let made = Fields::new(span)
        .text("from", comment(from.description, span))
        .text("owner", comment(&resource.owner, span));
    view.clone().fields("made", made)
}

fn host_fault(message: String) -> TemplateFault {
    TemplateFault { template: "apply/host.sh".to_owned(), line: 0, message }
}

/// `digest  path`, sorted by path.
fn sums(files: &BTreeMap<String, BundleFile>) -> String {
    files.iter().fold(String::new(), |mut sums, (path, file)| {
        let _ = writeln!(sums, "{}  {path}", sha256(&file.bytes));
        sums
    })
}

/// Lower-case hexadecimal SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
