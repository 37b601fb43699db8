//! Templates and views to text. The only user of Tera.
//!
//! Tera takes an unknown name in an `if` for false, and lets filters change values; neither may
//! happen in a file that reaches a host. So templates are held to a small language when they are
//! loaded: `{{ a.b }}`, `{% for x in a.b %}`, `{% if a.b | flag %}`, `{% else %}`, `{% include %}`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use include_dir::{Dir, DirEntry, include_dir};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use tera::{Context, Error, ErrorKind, Kwargs, State, Tera};

use super::origins::{CLOSE, END, OPEN, START, STOP};
use crate::model::view::{Fields, View};
use crate::source::Span;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// A template that cannot be used, or a rendering that failed: a fault of the user's where the
/// template is the user's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateFault {
    /// `nginx/nginx.conf`.
    pub template: String,
    /// From 1; 0 where it is not known.
    pub line: usize,
    pub message: String,
}

/// All templates, ready.
pub struct Templates {
    tera: Tera,
    /// Names of templates that the user's own replace.
    pub replaced: Vec<String>,
}

impl Templates {
    /// Loads our own, and `own` instead of those that bear the same name (`nginx/nginx.conf.tera`).
    ///
    /// # Errors
    /// Every template that cannot be used.
    pub fn load(own: &BTreeMap<String, String>) -> Result<Self, Vec<TemplateFault>> {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        collect(&BUILTIN, &mut texts);
        let (mut faults, mut replaced) = (Vec::new(), Vec::new());
        for (file, text) in own {
            let name = file.strip_suffix(".tera").unwrap_or(file).to_owned();
            let text = text.replace("\r\n", "\n");
            let foreign = |c: char| c.is_control() && c != '\n' && c != '\t';
            if let Some(at) = text.find(foreign) {
                let line = text[..at].matches('\n').count() + 1;
                let message = "a control character; no file that is made here has one".to_owned();
                faults.push(TemplateFault { template: name, line, message });
            } else if texts.contains_key(&name) && name != *file {
                texts.insert(name.clone(), text);
                replaced.push(name);
            } else {
                let known: Vec<&str> = texts.keys().map(String::as_str).collect();
                let near = crate::diag::did_you_mean(&name, known);
                let near = near.map_or(String::new(), |it| format!("; did you mean `{it}.tera`?"));
                let message = format!("clustergen has no template of this name to replace{near}");
                faults.push(TemplateFault { template: name, line: 0, message });
            }
        }
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&str>::new());
        tera.register_filter("flag", |yes: bool, _: Kwargs, _: &State| -> bool { yes });
        let mut ready = Vec::new();
        let parts: Vec<&str> =
            texts.keys().map(String::as_str).filter(|name| !name.contains('/')).collect();
        for (name, text) in &texts {
            // a part includes no part, so nothing includes itself
            let parts = if name.contains('/') { parts.as_slice() } else { &[] };
            match prepare(name, text, parts) {
                Ok(text) => ready.push((name.clone(), text)),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty()
            && let Err(error) = tera.add_raw_templates(ready)
        {
            faults.push(fault("", &error));
        }
        if faults.is_empty() { Ok(Self { tera, replaced }) } else { Err(faults) }
    }

    /// Our own templates' names, sorted.
    #[must_use]
    pub fn names() -> Vec<String> {
        let mut texts = BTreeMap::new();
        collect(&BUILTIN, &mut texts);
        texts.into_keys().collect()
    }

    /// The text that people get.
    ///
    /// # Errors
    /// Where the template asks for what the view does not have.
    pub fn render(&self, name: &str, view: &Fields) -> Result<String, TemplateFault> {
        self.run(name, &Shown { view, marks: None })
    }

    /// The same text with the origin of everything marked, and the origins that the marks name.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_marked(
        &self,
        name: &str,
        view: &Fields,
    ) -> Result<(String, Vec<Span>), TemplateFault> {
        let marks = RefCell::new(Vec::new());
        let text = self.run(name, &Shown { view, marks: Some(&marks) })?;
        Ok((text, marks.into_inner()))
    }

    fn run(&self, name: &str, shown: &Shown) -> Result<String, TemplateFault> {
        let context = Context::from_serialize(shown).map_err(|error| fault(name, &error))?;
        self.tera.render(name, &context).map_err(|error| fault(name, &error))
    }
}

/// `apply.sh`: the parts of the engine, in the order of their names.
#[must_use]
pub fn apply_sh() -> String {
    let Some(folder) = BUILTIN.get_dir("apply/engine") else { return String::new() };
    let mut parts: Vec<_> = folder.files().collect();
    parts.sort_by_key(|part| part.path());
    let texts: Vec<&str> = parts.into_iter().filter_map(include_dir::File::contents_utf8).collect();
    texts.join("\n")
}

fn collect(dir: &Dir<'_>, texts: &mut BTreeMap<String, String>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, texts),
            DirEntry::File(file) => {
                let name = file.path().to_str().and_then(|name| name.strip_suffix(".tera"));
                if let (Some(name), Some(text)) = (name, file.contents_utf8()) {
                    // a part of others (`header`) ends where its last line does
                    let part = !name.contains('/');
                    let text = if part { text.trim_end_matches('\n') } else { text };
                    texts.insert(name.to_owned(), text.to_owned());
                }
            }
        }
    }
}

fn fault(name: &str, error: &Error) -> TemplateFault {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => TemplateFault {
            template: report.filename().to_owned(),
            line: report.span().start_line,
            message: lower_first(report.message()),
        },
        _ => TemplateFault { template: name.to_owned(), line: 0, message: error.to_string() },
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().into_iter().flat_map(char::to_lowercase).chain(chars).collect()
}

/// Holds a template to the small language, and has its loops say where an element begins and ends.
fn prepare(name: &str, text: &str, parts: &[&str]) -> Result<String, TemplateFault> {
    let mut out = String::new();
    let mut blocks = Blocks { parts, loops: Vec::new(), ifs: 0, elifs: 0 };
    let mut rest = text;
    let mut line = 1;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        line += rest[..at].matches('\n').count();
        rest = &rest[at..];
        let close = match rest.as_bytes().get(1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => {
                out.push('{');
                rest = &rest[1..];
                continue;
            }
        };
        let refuse = |message: String| TemplateFault { template: name.to_owned(), line, message };
        let end = rest.find(close).ok_or_else(|| refuse(format!("`{close}` is missing")))? + 2;
        let tag = &rest[..end];
        let inner = tag[2..tag.len() - 2].trim_matches('-').trim();
        match close {
            "}}" if !is_path(inner) => {
                return Err(refuse(format!(
                    "`{tag}`: a value is written as it is, `{{{{ name }}}}`; nothing is done to it in a template"
                )));
            }
            "%}" => blocks.statement(tag, inner, &mut out).map_err(refuse)?,
            _ => out.push_str(tag),
        }
        line += tag.matches('\n').count();
        rest = &rest[end..];
    }
    out.push_str(rest);
    let open = match (blocks.loops.is_empty(), blocks.ifs) {
        (false, _) => "`for` without `endfor`",
        (true, 1..) => "`if` without `endif`",
        (true, 0) => return Ok(out),
    };
    Err(TemplateFault { template: name.to_owned(), line, message: open.to_owned() })
}

/// So many `elif` a template may have.
const MAX_ELIFS: usize = 100;

/// What is open in a template, and what it may include.
struct Blocks<'a> {
    parts: &'a [&'a str],
    loops: Vec<String>,
    ifs: usize,
    elifs: usize,
}

impl Blocks<'_> {
    fn statement(&mut self, tag: &str, inner: &str, out: &mut String) -> Result<(), String> {
        let words: Vec<&str> = inner.split_whitespace().collect();
        match words.as_slice() {
            ["for", element, "in", list] if is_path(element) && is_path(list) => {
                let dash = if tag.ends_with("-%}") { "-" } else { "" };
                out.push_str(tag);
                out.push_str(&format!("{{{{ {element}.origin_open {dash}}}}}"));
                self.loops.push((*element).to_owned());
            }
            ["endfor"] => {
                let element = self.loops.pop().ok_or("`endfor` without `for`")?;
                let dash = if tag.starts_with("{%-") { "-" } else { "" };
                out.push_str(&format!("{{{{{dash} {element}.origin_close }}}}"));
                out.push_str(tag);
            }
            ["if", path, "|", "flag"] if is_path(path) => {
                self.ifs += 1;
                out.push_str(tag);
            }
            ["endif"] => {
                self.ifs = self.ifs.checked_sub(1).ok_or("`endif` without `if`")?;
                out.push_str(tag);
            }
            ["elif", path, "|", "flag"] if is_path(path) => {
                // Tera nests them, without a limit
                self.elifs += 1;
                if self.elifs > MAX_ELIFS {
                    return Err(format!("more than {MAX_ELIFS} `elif` in a template"));
                }
                out.push_str(tag);
            }
            ["else"] => out.push_str(tag),
            ["include", part] => {
                let name = part.trim_matches('"');
                if !self.parts.contains(&name) {
                    let known = crate::diag::or_list(self.parts);
                    return Err(format!("`{tag}`: what can be included here is {known}"));
                }
                out.push_str(tag);
            }
            _ => {
                return Err(format!(
                    "`{tag}`: templates have `for x in list`, `if name | flag`, `else` and `include`; \
                 everything else is decided before"
                ));
            }
        }
        Ok(())
    }
}

fn is_path(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.split('.').all(part)
}

/// A view as Tera sees it: plain, or with its origins marked.
struct Shown<'a> {
    view: &'a Fields,
    marks: Option<&'a RefCell<Vec<Span>>>,
}

impl Shown<'_> {
    fn mark(&self, span: Span) -> Option<usize> {
        let mut marks = self.marks?.borrow_mut();
        marks.push(span);
        Some(marks.len() - 1)
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let (open, close) = match self.mark(self.view.origin) {
            Some(index) => (format!("{OPEN}{index}{STOP}"), CLOSE.to_string()),
            None => (String::new(), String::new()),
        };
        map.serialize_entry("origin_open", &open)?;
        map.serialize_entry("origin_close", &close)?;
        for (name, value) in &self.view.values {
            map.serialize_entry(name, &ShownValue { value, marks: self.marks })?;
        }
        map.end()
    }
}

struct ShownValue<'a> {
    value: &'a View,
    marks: Option<&'a RefCell<Vec<Span>>>,
}

impl Serialize for ShownValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            View::Flag(yes) => serializer.serialize_bool(*yes),
            View::Fields(view) => Shown { view, marks: self.marks }.serialize(serializer),
            View::List(list) => {
                let mut sequence = serializer.serialize_seq(Some(list.len()))?;
                for view in list {
                    sequence.serialize_element(&Shown { view, marks: self.marks })?;
                }
                sequence.end()
            }
            View::Text(text) => match self.marks {
                None => serializer.serialize_str(text.as_str()),
                Some(marks) => {
                    let index = marks.borrow().len();
                    marks.borrow_mut().push(text.origin);
                    let marked = format!("{START}{index}{STOP}{}{END}", text.as_str());
                    serializer.serialize_str(&marked)
                }
            },
        }
    }
}
