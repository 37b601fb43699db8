//! Diagnostics as text: for people (with excerpts), for logs (a line each), for tools (JSON).
//!
//! The only module that knows `annotate-snippets`. Colours are decided by the caller.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::keys::hidden;
use super::{Diagnostic, Diagnostics, Severity, counted, turns};
use crate::source::{SourceFile, Sources, Span};

/// How diagnostics are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// Excerpt, arrows, help.
    #[default]
    Human,
    /// `cluster.kdl:3:7: error[CG0101]: unknown node`, one line each.
    Short,
    /// One JSON object a line.
    Json,
}

/// So many are shown: nobody reads further, and a wrong text can have a fault in every word.
const MOST_EXCERPTS: usize = 100;
const MOST_LINES: usize = 1000;

/// Renders errors first, then in the order of the places, a count at the end; no private key is shown.
#[must_use]
pub fn render(all: &Diagnostics, sources: &Sources, format: Format, colour: bool) -> String {
    hidden(rendered(all, sources, format, colour), sources)
}

fn rendered(all: &Diagnostics, sources: &Sources, format: Format, colour: bool) -> String {
    let mut out = String::new();
    let list = all.sorted();
    let most = if format == Format::Human { MOST_EXCERPTS } else { MOST_LINES };
    for diagnostic in list.iter().take(most) {
        match format {
            Format::Human => out.push_str(&human(diagnostic, sources, colour)),
            Format::Short => out.push_str(&short(diagnostic, sources)),
            Format::Json => out.push_str(&json(diagnostic, sources)),
        }
    }
    if let Some(more) = list.len().checked_sub(most).filter(|more| *more > 0) {
        out.push_str(&match format {
            Format::Human => format!("{more} more are not shown: mend those above first\n\n"),
            Format::Short => format!("{more} more are not shown: mend those above first\n"),
            Format::Json => format!("{}\n", serde_json::json!({ "not_shown": more })),
        });
    }
    if format == Format::Human {
        let (errors, warnings) = (all.count(Severity::Error), all.count(Severity::Warning));
        match (errors, warnings) {
            (0, 0) => {}
            (0, _) => out.push_str(&format!("{}\n", counted(warnings, "warning"))),
            (_, 0) => out.push_str(&format!("{}\n", counted(errors, "error"))),
            _ => out.push_str(&format!(
                "{}, {}\n",
                counted(errors, "error"),
                counted(warnings, "warning")
            )),
        }
    }
    out
}

fn human(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code.id());
    let mut main = Group::with_title(title);
    for (at, label) in diagnostic.labels.iter().enumerate() {
        let file = sources.file(label.span.file);
        let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let (number, line, range) = first_line(file, label.span);
        let mut annotation = kind.span(range);
        if !label.text.is_empty() {
            annotation = annotation.label(&label.text);
        }
        let snippet = Snippet::source(line).line_start(number).path(file.name.replace(turns, "·"));
        main = main.element(snippet.annotation(annotation));
    }
    if let Some(help) = &diagnostic.help {
        main = main.element(Level::HELP.message(help));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    format!("{}\n\n", renderer.render(&[main]))
}

/// The line in which a span begins, its number, and the part of the span that is in it: nobody
/// wants a page of arrows, and the renderer reads all that it is given.
fn first_line(file: &SourceFile, span: Span) -> (usize, &str, Range<usize>) {
    let (number, _) = file.line_column(span.start);
    let line = file.line(span.file, number).range();
    let text = file.text[line.clone()].trim_end_matches('\r');
    let start = floor_boundary(text, span.range().start.saturating_sub(line.start));
    let end = floor_boundary(text, span.range().end.saturating_sub(line.start));
    (number, text, start..end.max(start))
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

fn short(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let severity = severity_word(diagnostic.severity);
    let code = diagnostic.code.id();
    let mut line = match diagnostic.labels.first() {
        Some(label) => {
            let file = sources.file(label.span.file);
            let (line, column) = file.line_column(label.span.start);
            let name = file.name.replace(turns, "·");
            format!("{name}:{line}:{column}: {severity}[{code}]: {}", diagnostic.message)
        }
        None => format!("{severity}[{code}]: {}", diagnostic.message),
    };
    if let Some(help) = &diagnostic.help {
        line.push_str(&format!(" ({help})"));
    }
    line.push('\n');
    line
}

fn json(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let labels: Vec<serde_json::Value> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let file = sources.file(label.span.file);
            let (line, column) = file.line_column(label.span.start);
            let (end_line, end_column) = file.line_column(label.span.end);
            serde_json::json!({
                "file": file.name, "line": line, "column": column,
                "end_line": end_line, "end_column": end_column, "text": label.text,
            })
        })
        .collect();
    let object = serde_json::json!({
        "code": diagnostic.code.id(),
        "severity": severity_word(diagnostic.severity),
        "message": diagnostic.message,
        "labels": labels,
        "help": diagnostic.help,
    });
    format!("{object}\n")
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
