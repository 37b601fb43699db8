//! Units that systemd would not load: commands that are not there or too many, names that do not fit,
//! times that are none.
//!
//! In: a whole unit, no drop-in: that one has only what it changes. Out: what is certain in every
//! version of systemd. Specifiers (`%i`) are known on the host alone, and so are raw lines.

use super::OwnUnit;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;

/// Kinds that are called by a path (systemd.mount(5), systemd.automount(5), systemd.swap(5)).
const CALLED_BY: [(&str, &str, &str); 3] =
    [("automount", "Automount", "Where"), ("mount", "Mount", "Where"), ("swap", "Swap", "What")];

/// How directives begin that take a command line.
const COMMANDS: [&str; 4] = ["ExecCondition", "ExecReload", "ExecStart", "ExecStop"];

/// systemd.time(7), CALENDAR EVENTS.
const SHORTHANDS: [&str; 10] = [
    "annually",
    "anually",
    "daily",
    "hourly",
    "minutely",
    "monthly",
    "quarterly",
    "semiannually",
    "weekly",
    "yearly",
];
const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl OwnUnit {
    pub(super) fn check_values(&self, diagnostics: &mut Diagnostics) {
        if self.drop_in.is_none() && self.extra.is_empty() {
            self.check_commands(diagnostics);
            self.check_name(diagnostics);
        }
        let own = self.sections.iter().filter(|it| !it.name.value.starts_with("X-"));
        for (directive, value) in own.flat_map(|section| &section.lines) {
            let command = COMMANDS.iter().any(|it| directive.value.starts_with(it));
            if command && !ends_its_quotes(&value.value) {
                let why = format!("`{}` has a quote that does not end", directive.value);
                let help = "end it, or write `\\\"` for one that stands for itself (systemd.service(5), COMMAND LINES)";
                diagnostics.push(refused(&why, value.span, help));
            }
            if directive.value == "OnCalendar" && !is_calendar(&value.value) {
                let why = format!("`{}` is no time of a calendar", value.value);
                let help = "write it as systemd.time(7) has it, as `Mon..Fri *-*-* 03:30`; `systemd-analyze calendar` reads it";
                diagnostics.push(refused(&why, value.span, help));
            }
        }
    }

    /// systemd.service(5), `ExecStart=`: one command, but for what is over when its commands are.
    fn check_commands(&self, diagnostics: &mut Diagnostics) {
        if self.suffix() != "service" {
            return;
        }
        let kind = self.value("Service", "Type").filter(|it| !it.is_empty());
        let starts = self.values("Service", "ExecStart");
        let stays = self.stays_up() && !self.values("Service", "ExecStop").is_empty();
        let without = matches!(kind, None | Some("oneshot")) && stays;
        if starts.is_empty() && !without && self.value("Unit", "SuccessAction").is_none() {
            let why = format!("`{}` starts nothing", self.name.value);
            let help = "add `set \"ExecStart\" \"…\"` to its `Service` (systemd.service(5))";
            diagnostics.push(refused(&why, self.name.span, help));
        }
        if let ([first, .., last], true) = (starts.as_slice(), kind != Some("oneshot")) {
            let why = format!("`{}` starts two programs", self.name.value);
            let help = "only a `oneshot` has several (systemd.service(5)); write `ExecStartPre` for what comes before";
            diagnostics.push(refused(&why, last.span, help).at(first.span, "the first one"));
        }
    }

    /// What is called by a path, as `systemd-escape --path` writes it.
    fn check_name(&self, diagnostics: &mut Diagnostics) {
        let called = CALLED_BY.iter().find(|(suffix, _, _)| *suffix == self.suffix());
        let Some((suffix, section, directive)) = called else { return };
        let values = self.values(section, directive);
        let Some(path) = values.last().filter(|it| it.value.starts_with('/')) else { return };
        let name = format!("{}.{suffix}", escaped(&path.value));
        if path.value.contains('%') || name == self.name.value {
            return;
        }
        let why = format!("`{}` is not called by its `{directive}`", self.name.value);
        let help = format!("call it `{name}` (systemd.{suffix}(5))");
        diagnostics.push(refused(&why, self.name.span, &help).at(path.span, "by this"));
    }
}

fn refused(why: &str, span: Span, help: &str) -> Diagnostic {
    let message = format!("{why}: systemd would not load it");
    Diagnostic::error(Code::WrongValue, message).at(span, "").help(help)
}

/// systemd.unit(5), STRING ESCAPING FOR INCLUSION IN UNIT NAMES.
fn escaped(path: &str) -> String {
    let words: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    if words.is_empty() {
        return "-".to_owned();
    }
    let mut name = String::new();
    for (at, byte) in words.join("/").bytes().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if at == 0 => name.push_str("\\x2e"),
            _ if byte.is_ascii_alphanumeric() || b":_.".contains(&byte) => {
                name.push(char::from(byte));
            }
            _ => name.push_str(&format!("\\x{byte:02x}")),
        }
    }
    name
}

/// Whether each quote of a command line ends; a backslash takes its meaning from either.
fn ends_its_quotes(line: &str) -> bool {
    let mut open = None;
    let mut letters = line.chars();
    while let Some(c) = letters.next() {
        match c {
            '\\' => {
                letters.next();
            }
            '"' | '\'' if open.is_none() => open = Some(c),
            _ if open == Some(c) => open = None,
            _ => {}
        }
    }
    open.is_none()
}

/// Whether it is made of what a time of a calendar is made of: a word for it; or days of the week, a
/// date, a time; and behind it a time zone.
fn is_calendar(text: &str) -> bool {
    let mut parts: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    if parts.is_empty() || text.contains('%') {
        return true;
    }
    let zone = |it: &String| it.contains(char::is_alphabetic) && !is_weekdays(it);
    if parts.len() > 1 && parts.last().is_some_and(zone) {
        parts.pop();
    }
    if let [word] = parts.as_slice()
        && SHORTHANDS.contains(&word.as_str())
    {
        return true;
    }
    let numbers = |it: &String| {
        let since = it.strip_prefix('@').unwrap_or(it);
        !since.is_empty() && since.chars().all(|c| c.is_ascii_digit() || "*-,./~:".contains(c))
    };
    parts.iter().all(|it| is_weekdays(it) || numbers(it))
}

/// `mon`, `mon..fri`, `sat,sun`, `mon-fri`.
fn is_weekdays(text: &str) -> bool {
    let mut days = text.split([',', '.', '-']).filter(|it| !it.is_empty());
    let known = |it: &str| WEEKDAYS.iter().any(|day| *day == it || day[..3] == *it);
    text.starts_with(char::is_alphabetic) && days.all(known)
}
