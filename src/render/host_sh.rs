//! `host.sh`: a host's resources as a table that a reviewer reads and `apply.sh` runs.

use super::MadeFrom;
use crate::model::plan::{Block, Body, Check, File, HostPlan, Kind, OnChange, Resource};
use crate::model::view::Fields;
use crate::quote::{Text, comment, fixed, sh_word};
use crate::source::Span;

/// The view of the template.
///
/// # Errors
/// A sentence: a word that sh cannot carry. Options are checked before, so this is a fault of ours.
pub(super) fn view(plan: &HostPlan, from: &MadeFrom) -> Result<Fields, String> {
    let span = plan.origin.span;
    let mut resources: Vec<&Resource> = plan.resources.values().collect();
    resources.sort_by_key(|resource| (rank(&resource.kind), resource.kind.key()));
    let mut lines = Vec::new();
    for resource in resources {
        lines.push(line(resource)?);
    }
    let names = [plan.name.as_str(), plan.fqdn.as_str()].join(" ");
    Ok(Fields::new(span)
        .text("description", comment(from.description, span))
        .text("cluster", word(from.cluster, span)?)
        .text("host", word(&plan.name, span)?)
        .text("names", word(&names, span)?)
        .text("addresses", word(&plan.addresses.join(" "), span)?)
        .text("platform", word(&plan.platform, span)?)
        .text("package_manager", word(&plan.package_manager, span)?)
        .texts("lines", lines))
}

/// The order of installing.
fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Package(_) => 0,
        Kind::User(_) => 1,
        Kind::Directory(_) => 2,
        Kind::Block(_) | Kind::Keys(_) => 3,
        Kind::File(file) => match file.body {
            Body::Secret { .. } => 4,
            Body::Certificate { .. } => 5,
            Body::Template { .. } => 6,
        },
        Kind::Check(_) => 7,
        Kind::Unit(_) => 8,
        Kind::Step(_) => 9,
    }
}

fn line(resource: &Resource) -> Result<Text, String> {
    let span = resource.origin.span;
    let words = match &resource.kind {
        Kind::Package(name) => vec!["package".to_owned(), quoted(name, span)?],
        Kind::Directory(it) => vec![
            "directory".to_owned(),
            it.mode.to_string(),
            quoted(&format!("{}:{}", it.owner, it.group), span)?,
            quoted(it.path.as_str(), span)?,
        ],
        Kind::Block(block) => block_words(block, span)?,
        Kind::File(file) => file_words(file, span)?,
        Kind::Check(check) => check_words(check, span)?,
        Kind::Unit(unit) => {
            let mut words = vec!["unit".to_owned(), quoted(&unit.name, span)?];
            for other in &unit.conflicts {
                words.push(quoted(other, span)?);
            }
            words
        }
        // better no bundle than one that leaves something out in silence
        Kind::User(_) | Kind::Keys(_) | Kind::Step(_) => {
            return Err(format!("`{}` wants what apply.sh has no verb for", resource.owner));
        }
    };
    let verb = format!("{:<10}", words[0]);
    Ok(fixed(&format!("{verb}{}", words[1..].join(" ")), span))
}

fn block_words(block: &Block, span: Span) -> Result<Vec<String>, String> {
    let path = quoted(block.path.as_str(), span)?;
    let mut words = vec!["block".to_owned(), quoted(&block.mark, span)?, path];
    words.extend(on_change(&block.on_change, span)?);
    Ok(words)
}

fn file_words(file: &File, span: Span) -> Result<Vec<String>, String> {
    let mut words = vec![
        "file".to_owned(),
        file.mode.to_string(),
        quoted(&format!("{}:{}", file.owner, file.group), span)?,
        quoted(file.path.as_str(), span)?,
    ];
    words.extend(on_change(&file.on_change, span)?);
    Ok(words)
}

fn check_words(check: &Check, span: Span) -> Result<Vec<String>, String> {
    let codes: Vec<String> = check.good.iter().map(u8::to_string).collect();
    let mut words =
        vec!["check".to_owned(), quoted(&codes.join(" "), span)?, quoted(&check.command, span)?];
    for path in &check.reads {
        words.push(quoted(path.as_str(), span)?);
    }
    Ok(words)
}

fn on_change(on_change: &OnChange, span: Span) -> Result<[String; 2], String> {
    Ok(match on_change {
        OnChange::Nothing => ["none".to_owned(), "-".to_owned()],
        OnChange::Reload(unit) => ["reload".to_owned(), quoted(unit, span)?],
        OnChange::Restart(unit) => ["restart".to_owned(), quoted(unit, span)?],
    })
}

fn quoted(text: &str, span: Span) -> Result<String, String> {
    word(text, span).map(|it| it.as_str().to_owned())
}

fn word(text: &str, span: Span) -> Result<Text, String> {
    sh_word(text, span).map_err(|wrong| format!("`{text}`: {}", wrong.why))
}
