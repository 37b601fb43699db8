//! `host.sh`: a host's resources as a table that a reviewer reads and `apply.sh` runs.

use std::collections::BTreeSet;

use super::MadeFrom;
use crate::model::facts::BornForm;
use crate::model::plan::{
    Block, Body, Check, Condition, Directory, Ensure, File, HostPlan, Keys, Kind, Made, OnChange,
    Resource, Step, User, Verify,
};
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
    let (mut lines, mut functions) = (Vec::new(), Vec::new());
    let mut taken = BTreeSet::new();
    for resource in resources {
        let span = resource.origin.span;
        if let Kind::Verify(it) = &resource.kind
            && it.command.contains('\n')
        {
            // lines are read as lines, and not between quotes
            let name = function_name(&it.title, &mut taken);
            functions.push(function(&name, &it.title, it.command.lines(), span));
            let it = Verify { title: it.title.clone(), command: name };
            lines.extend(line(&Resource { kind: Kind::Verify(it), ..resource.clone() })?);
            continue;
        }
        lines.extend(line(resource)?);
        functions.extend(functions_of(&resource.kind, span));
    }
    let names = [plan.name.as_str(), plan.fqdn.as_str()].join(" ");
    Ok(Fields::new(span)
        .text("description", comment(from.description, span))
        .text("cluster", word(from.cluster, span)?)
        .text("host", word(&plan.name, span)?)
        .text("names", word(&names, span)?)
        .text("addresses", word(&plan.addresses.join(" "), span)?)
        .text("platform", word(&plan.platform, span)?)
        .text("releases", word(&plan.releases, span)?)
        .text("package_manager", word(&plan.package_manager, span)?)
        .list("functions", functions)
        .texts("lines", lines))
}

/// `verify_the_clock_is_in_sync`; titles that differ in signs alone are numbered.
fn function_name(title: &str, taken: &mut BTreeSet<String>) -> String {
    let letters = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
    let words: Vec<String> = letters.map(str::to_ascii_lowercase).collect();
    let name = format!("verify_{}", words.join("_"));
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|it| !taken.contains(it));
    let free = free.unwrap_or(name);
    taken.insert(free.clone());
    free
}

fn function<'a>(
    name: &str,
    title: &str,
    lines: impl Iterator<Item = &'a str>,
    span: Span,
) -> Fields {
    Fields::new(span)
        .text("name", fixed(name, span))
        .text("title", comment(title, span))
        .texts("lines", lines.map(|line| fixed(line, span)))
}

/// The functions of a resource, as `apply.sh` calls them.
fn functions_of(kind: &Kind, span: Span) -> Vec<Fields> {
    let (key, title, bodies) = match kind {
        Kind::Step(it) => {
            let bodies = vec![("guard", &it.guard), ("run", &it.run), ("proof", &it.proof)];
            (&it.key, &it.title, bodies)
        }
        Kind::Ensure(it) => (&it.key, &it.title, vec![("holds", &it.holds), ("ensure", &it.run)]),
        _ => return Vec::new(),
    };
    let word: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    bodies
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(kind, lines)| {
            function(&format!("{kind}_{word}"), title, lines.iter().map(String::as_str), span)
        })
        .collect()
}

/// The order of installing; steps in their own.
fn rank(kind: &Kind) -> (u8, u32) {
    let rank = match kind {
        Kind::Package(_) => 0,
        Kind::Group(_) => 1,
        Kind::User(_) => 2,
        Kind::Directory(_) => 3,
        Kind::Link(_) => 4,
        Kind::Block(_) | Kind::Keys(_) => 5,
        Kind::File(file) => match file.body {
            Body::Secret { .. } => 6,
            Body::Certificate { .. } => 7,
            Body::Template { .. } => 8,
        },
        Kind::Made(_) => 9,
        Kind::Ensure(it) if it.last => 13,
        Kind::Ensure(_) => 10,
        Kind::Check(_) => 11,
        Kind::Unit(_) => 12,
        Kind::Step(step) => return (14, step.number.0),
        Kind::StepFile(_) => 14,
        Kind::Born(_) | Kind::BornTo(_) => 15,
        Kind::Verify(_) => 16,
    };
    (rank, 0)
}

fn line(resource: &Resource) -> Result<Option<Text>, String> {
    let span = resource.origin.span;
    let words = match &resource.kind {
        Kind::Package(name) => vec!["package".to_owned(), quoted(name, span)?],
        Kind::Group(name) => vec!["group".to_owned(), quoted(name, span)?],
        Kind::User(user) => user_words(user, span)?,
        Kind::Link(link) => {
            let mut words = vec!["link".to_owned()];
            words.extend([quoted(link.path.as_str(), span)?, quoted(link.target.as_str(), span)?]);
            words.extend(on_change(&link.on_change, span)?);
            words
        }
        Kind::Made(made) => made_words(made, span)?,
        Kind::Ensure(it) => ensure_words(it, span)?,
        Kind::Step(step) => step_words(step, span)?,
        Kind::Verify(it) => {
            vec!["verify".to_owned(), quoted(&it.title, span)?, quoted(&it.command, span)?]
        }
        Kind::Directory(it) => directory_words(it, span)?,
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
        Kind::Keys(keys) => keys_words(keys, span)?,
        Kind::Born(it) => {
            let mut words = vec!["born".to_owned(), quoted(&it.secret, span)?];
            words.push(quoted(it.path.as_str(), span)?);
            if it.form != BornForm::Text {
                words.push(it.form.word().to_owned());
            }
            if let BornForm::Tar { except } = &it.form {
                for name in except {
                    words.push(quoted(name, span)?);
                }
            }
            words
        }
        Kind::BornTo(recipients) => {
            let mut words = vec!["born_to".to_owned()];
            for recipient in recipients {
                words.push(quoted(recipient, span)?);
            }
            words
        }
        // apply.sh finds it by the step's name
        Kind::StepFile(_) => return Ok(None),
    };
    let condition = condition(&resource.condition, span)?;
    let verb = format!("{:<10}", words[0]);
    Ok(Some(fixed(&format!("{condition}{verb}{}", words[1..].join(" ")), span)))
}

/// What stands before a verb that is not always seen to.
fn condition(condition: &Condition, span: Span) -> Result<String, String> {
    let mut words = String::new();
    if let Some(folder) = &condition.folder {
        words.push_str(&format!("where {} ", quoted(folder.as_str(), span)?));
    }
    for step in &condition.steps {
        words.push_str(&format!("need {} ", quoted(step, span)?));
    }
    Ok(words)
}

fn directory_words(it: &Directory, span: Span) -> Result<Vec<String>, String> {
    let mut words = vec![
        "directory".to_owned(),
        it.mode.to_string(),
        quoted(&format!("{}:{}", it.owner, it.group), span)?,
        quoted(it.path.as_str(), span)?,
    ];
    words.extend(it.exact.then(|| "exactly".to_owned()));
    Ok(words)
}

fn user_words(user: &User, span: Span) -> Result<Vec<String>, String> {
    let kind = if user.system { "system" } else { "person" };
    let mut words = vec![
        "user".to_owned(),
        quoted(&user.name, span)?,
        quoted(&user.group, span)?,
        quoted(user.home.as_str(), span)?,
        quoted(user.shell.as_str(), span)?,
        kind.to_owned(),
    ];
    for group in &user.groups {
        words.push(quoted(group, span)?);
    }
    Ok(words)
}

fn made_words(made: &Made, span: Span) -> Result<Vec<String>, String> {
    let mut words = vec!["made".to_owned(), quoted(made.path.as_str(), span)?];
    words.extend(on_change(&made.on_change, span)?);
    words.extend([quoted(&made.probe, span)?, quoted(&made.run, span)?]);
    for path in &made.from {
        words.push(quoted(path.as_str(), span)?);
    }
    Ok(words)
}

fn ensure_words(it: &Ensure, span: Span) -> Result<Vec<String>, String> {
    let verb = if it.last { "finally" } else { "ensure" };
    let mut words = vec![verb.to_owned(), quoted(&it.key, span)?, quoted(&it.title, span)?];
    words.extend(on_change(&it.on_change, span)?);
    for path in &it.from {
        words.push(quoted(path.as_str(), span)?);
    }
    Ok(words)
}

fn step_words(step: &Step, span: Span) -> Result<Vec<String>, String> {
    let (number, of) = step.number;
    let care = if step.destroys { "destroys" } else { "keeps" };
    let mut words = vec![
        "step".to_owned(),
        format!("{number}/{of}"),
        quoted(&step.key, span)?,
        care.to_owned(),
        quoted(&step.title, span)?,
    ];
    for before in &step.after {
        words.push(quoted(before, span)?);
    }
    Ok(words)
}

fn block_words(block: &Block, span: Span) -> Result<Vec<String>, String> {
    let path = quoted(block.path.as_str(), span)?;
    let mut words = vec!["block".to_owned(), quoted(&block.mark, span)?, path];
    words.extend(on_change(&block.on_change, span)?);
    Ok(words)
}

fn keys_words(keys: &Keys, span: Span) -> Result<Vec<String>, String> {
    let path = quoted(keys.path.as_str(), span)?;
    let mut words = vec!["keys".to_owned(), keys.format.word().to_owned(), path];
    words.extend(on_change(&keys.on_change, span)?);
    words.push(if keys.create { "create" } else { "there" }.to_owned());
    Ok(words)
}

fn file_words(file: &File, span: Span) -> Result<Vec<String>, String> {
    let mut words = vec![
        if file.seed { "seed" } else { "file" }.to_owned(),
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
