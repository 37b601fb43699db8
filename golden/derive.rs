//! Bad cases out of the schema: for each constraint the smallest edit of a good description that
//! breaks it. What is derived is stored, and read like every other case.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use clustergen::Knowledge;
use clustergen::diag::Diagnostics;
use clustergen::disk::RealFolder;
use clustergen::schema::{Field, NodeSchema, Schema, Type, check::constraints};
use clustergen::source::{Sources, Span};
use clustergen::syntax::node::Node;
use clustergen::syntax::parse;

use crate::err::{Case, Told, apply, run, told};
use crate::support::{folders, golden, updating};

#[test]
fn every_constraint_of_the_schema_has_a_case_that_breaks_it() {
    let broken: BTreeSet<&String> = told().iter().flat_map(|it| &it.constraints).collect();
    let folder = RealFolder(golden());
    let mut sources = Sources::new(&folder);
    let schema = Knowledge::load(&mut sources).unwrap().schema;
    let mut missing = Vec::new();
    for constraint in constraints(&schema).iter().filter(|it| !broken.contains(*it)) {
        if !(updating() && derive(constraint, &schema)) {
            missing.push(constraint.clone());
        }
    }
    assert!(missing.is_empty(), "no case breaks these:\n{}", missing.join("\n"));
}

/// Stores a case for a constraint; false where no good description has the place for it.
fn derive(constraint: &str, schema: &Schema) -> bool {
    for good in folders(&golden().join("ok")) {
        let text = fs::read_to_string(good.join("cluster.kdl")).unwrap();
        let Some((line, new)) = edit(constraint, schema, &good) else { continue };
        let name = good.file_name().unwrap().to_str().unwrap();
        let file = constraint.replace('/', ".").replace([':', '@', '#'], "-");
        let case = Case {
            path: golden().join(format!("err/schema/{file}.case")),
            good: format!("ok/{name}/cluster.kdl"),
            hunk: hunk(&text, line, new.as_deref()),
        };
        fs::create_dir_all(case.path.parent().unwrap()).unwrap();
        if Told::of(&case).constraints.contains(constraint) {
            run(&case, |_, message| fs::write(&case.path, case.print(message)).unwrap());
            return true;
        }
    }
    false
}

/// The line (from 0) with its new text, with as much before it as makes it unique.
fn hunk(text: &str, line: usize, new: Option<&str>) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut from = line;
    loop {
        let mut hunk: Vec<String> = lines[from..line].iter().map(|it| format!(" {it}")).collect();
        hunk.push(format!("-{}", lines[line]));
        hunk.extend(new.iter().flat_map(|it| it.lines()).map(|it| format!("+{it}")));
        if from == 0 || apply(text, &hunk).is_ok() {
            return hunk;
        }
        from -= 1;
    }
}

/// A line and what it becomes; `None` for a line that goes.
type Edit = Option<(usize, Option<String>)>;

fn edit(constraint: &str, schema: &Schema, good: &Path) -> Edit {
    let folder = RealFolder(good.to_owned());
    let mut sources = Sources::new(&folder);
    let file = sources.open("cluster.kdl").unwrap();
    let document = parse(&mut sources, file, &mut Diagnostics::default());
    let text = Text { sources: &sources, file: sources.span(file) };
    let (place, what) = constraint.rsplit_once(':')?;
    let (path, field) = match place.split_once(['#', '@']) {
        Some((path, field)) => (path, Some(field)),
        None => (place, None),
    };
    let mut parts: Vec<&str> = path.split('/').collect();
    // a child's constraint is broken at its parent
    let child =
        (field.is_none() && ["missing", "repeated"].contains(&what)).then(|| parts.pop()).flatten();
    let form = form(schema, &parts)?;
    let nodes = all(&document.nodes, &parts);
    let mut edits =
        nodes.iter().filter(|node| node.head.file == text.file.file).filter_map(|node| {
            match (field, child) {
                (Some(name), _) => text.field(node, form, name, what, place.contains('@')),
                (None, Some(child)) => text.child(node, child, what),
                (None, None) => text.only_one(node, form, what),
            }
        });
    edits.next()
}

fn form<'a>(schema: &'a Schema, parts: &[&str]) -> Option<&'a NodeSchema> {
    let mut form = schema.nodes.get(*parts.first()?)?;
    for part in &parts[1..] {
        form = &form.child(part)?.node;
    }
    Some(form)
}

fn all<'a>(nodes: &'a [Node], parts: &[&str]) -> Vec<&'a Node> {
    let Some((first, rest)) = parts.split_first() else { return Vec::new() };
    let here: Vec<&Node> = nodes.iter().filter(|node| node.is(first)).collect();
    if rest.is_empty() {
        return here;
    }
    here.into_iter().flat_map(|node| all(&node.children, rest)).collect()
}

struct Text<'a> {
    sources: &'a Sources<'a>,
    file: Span,
}

impl Text<'_> {
    /// The line of a span with the span replaced. Only within one line.
    fn replaced(&self, span: Span, new: &str) -> Edit {
        let file = self.sources.file(self.file.file);
        let (line, _) = file.line_column(span.start);
        if file.line_column(span.end).0 != line {
            return None;
        }
        let whole = file.line(self.file.file, line).range();
        let text = &file.text;
        let mut edited = text[whole.start..span.range().start].to_owned();
        edited.push_str(new);
        edited.push_str(&text[span.range().end..whole.end]);
        let edited = edited.trim_end().to_owned();
        Some((line - 1, (!edited.trim().is_empty()).then_some(edited)))
    }

    fn slice(&self, span: Span) -> &str {
        &self.sources.file(self.file.file).text[span.range()]
    }

    fn field(&self, node: &Node, form: &NodeSchema, name: &str, what: &str, prop: bool) -> Edit {
        let (ty, span) = if prop {
            let field = form.props.iter().find(|field| field.name == name)?;
            let written = node.props.iter().find(|it| it.name.value == name)?;
            let whole = Span { start: written.name.span.start - 1, ..written.value.span };
            (field, if what == "missing" { whole } else { written.value.span })
        } else {
            let at = form.args.iter().position(|field| field.name == name);
            let field =
                at.map(|at| &form.args[at]).or(form.rest.as_ref().map(|(field, _)| field))?;
            let at = at.unwrap_or(form.args.len());
            let value = node.args.get(at)?;
            let start = if at == 0 { node.name.span.end } else { node.args[at - 1].span.end };
            let last = node.args.last()?.span;
            (field, if what == "missing" { Span { start, ..last } } else { value.span })
        };
        match what {
            "missing" => self.replaced(span, ""),
            _ => self.replaced(span, &wrong(ty)),
        }
    }

    fn child(&self, node: &Node, name: &str, what: &str) -> Edit {
        if what == "missing" {
            let mut found = node.children_named(name);
            let (only, more) = (found.next()?, found.next());
            if more.is_some() || !only.children.is_empty() {
                return None;
            }
            return self.replaced(self.with_semicolon(only.head), "");
        }
        let only = node.child(name).filter(|it| it.children.is_empty())?;
        let text = self.slice(only.head).to_owned();
        self.replaced(only.head, &format!("{text}; {text}"))
    }

    /// A node that goes takes its `;` with it.
    fn with_semicolon(&self, head: Span) -> Span {
        let follows = &self.sources.file(head.file).text[head.range().end..];
        Span { end: head.end + u32::from(follows.starts_with(';')), ..head }
    }

    fn only_one(&self, node: &Node, form: &NodeSchema, what: &str) -> Edit {
        let names: BTreeMap<String, &clustergen::schema::OnlyOne> =
            form.only_one.iter().map(|it| (it.names.join("-"), it)).collect();
        let none = what.strip_prefix("none-of-").and_then(|it| names.get(it));
        let both = what.strip_prefix("only-one-of-").and_then(|it| names.get(it));
        let only = none.or(both)?;
        let prop = |name: &String| node.props.iter().find(|it| it.name.value == **name);
        let written = only.names.iter().find_map(prop);
        if let Some(written) = written {
            let whole = Span { start: written.name.span.start - 1, ..written.value.span };
            let other = only.names.iter().find(|name| **name != written.name.value)?;
            let old = self.slice(whole);
            let new =
                if none.is_some() { String::new() } else { format!("{old} {other}=\"other\"") };
            return self.replaced(whole, &new);
        }
        let there = only.names.iter().find_map(|name| node.child(name))?;
        let other = only.names.iter().find(|name| !there.is(name))?;
        let example = &form.child(other)?.node.example;
        if none.is_some() {
            return self.replaced(self.with_semicolon(there.head), "");
        }
        self.replaced(there.head, &format!("{}; {example}", self.slice(there.head)))
    }
}

/// A value that a person might write and that is none of this kind.
fn wrong(field: &Field) -> String {
    match &field.ty {
        Type::String | Type::Text | Type::TextOrSecret => "7".to_owned(),
        Type::Label | Type::Host => "\"Web_1\"".to_owned(),
        Type::Domain | Type::HostOrDomain => "\"www example\"".to_owned(),
        Type::Address => "\"197.122.32.421\"".to_owned(),
        Type::Port => "70000".to_owned(),
        Type::Integer { max, .. } => (max + 1).to_string(),
        Type::Duration => "\"5 minutes\"".to_owned(),
        Type::Size => "\"big\"".to_owned(),
        Type::Path | Type::SecretOrPath => "\"etc/app\"".to_owned(),
        Type::Mode => "\"rw-r-----\"".to_owned(),
        Type::Version => "\"latest\"".to_owned(),
        Type::Server => "\"ntp one\"".to_owned(),
        Type::Zone => "\"Europe/Belrin\"".to_owned(),
        Type::Bool => "\"yes\"".to_owned(),
        Type::OneOf(_) => "\"something-else\"".to_owned(),
        Type::Secret => "\"Hunter 2\"".to_owned(),
        Type::Location => "\"static\"".to_owned(),
        Type::LocalFile | Type::FileOrPath => "\"../outside\"".to_owned(),
        Type::FileName => "\"sql/tables\"".to_owned(),
        Type::Login => "\"App\"".to_owned(),
        Type::Package => "\"curl=7.88\"".to_owned(),
        Type::Account => "\"www data\"".to_owned(),
        Type::Unit => "\"app service\"".to_owned(),
        Type::Variable => "\"API TOKEN\"".to_owned(),
        Type::Schedule => "\"61 * * * *\"".to_owned(),
    }
}
