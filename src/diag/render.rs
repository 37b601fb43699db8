//! Diagnostics as text: for people (with excerpts), for logs (a line each), for tools (JSON).
//!
//! The only module that knows `annotate-snippets`. Colours are decided by the caller.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity, counted};
use crate::source::{Sources, offset};

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

/// Renders everything, errors first, a count at the end.
#[must_use]
pub fn render(all: &Diagnostics, sources: &Sources, format: Format, colour: bool) -> String {
    let mut out = String::new();
    for diagnostic in all.sorted() {
        match format {
            Format::Human => out.push_str(&human(diagnostic, sources, colour)),
            Format::Short => out.push_str(&short(diagnostic, sources)),
            Format::Json => out.push_str(&json(diagnostic, sources)),
        }
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
        // the renderer looks through all that it is given, and a description may be long
        let range = visible(&file.text, label.span.range());
        let lines = lines_around(&file.text, &range);
        let mut annotation = kind.span(range.start - lines.start..range.end - lines.start);
        if !label.text.is_empty() {
            annotation = annotation.label(&label.text);
        }
        let (number, _) = file.line_column(offset(lines.start));
        let snippet = Snippet::source(&file.text[lines]).line_start(number);
        main = main.element(snippet.path(&file.name).annotation(annotation));
    }
    if let Some(help) = &diagnostic.help {
        main = main.element(Level::HELP.message(help));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    format!("{}\n\n", renderer.render(&[main]))
}

/// A span that ends at the end of its first line: nobody wants a page of arrows.
fn visible(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = floor_boundary(text, range.start.min(text.len()));
    let end = floor_boundary(text, range.end.clamp(start, text.len()));
    let line = text[start..end].find('\n').map_or(end, |at| start + at);
    start..line
}

/// The whole lines that a range touches, the end of the last one included.
fn lines_around(text: &str, range: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
    start..end
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn short(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let severity = severity_word(diagnostic.severity);
    let code = diagnostic.code.id();
    let mut line = match diagnostic.labels.first() {
        Some(label) => {
            let file = sources.file(label.span.file);
            let (line, column) = file.line_column(label.span.start);
            format!("{}:{line}:{column}: {severity}[{code}]: {}", file.name, diagnostic.message)
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
