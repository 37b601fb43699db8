//! `cron`: a command at its times, in a file of its own in `/etc/cron.d`.
//!
//! cron looks at the folder each minute, so a new file asks for no reload (cron(8)). What it does
//! not like it leaves out and tells the system's log alone, the whole file for one bad line; so
//! each line is held against crontab(5) here, and the user is looked up on the host before
//! anything is left as it is.
//!
//! Seen with cron 3.0pl1 of Debian 12, and in its `database.c` and `entry.c`: names have letters,
//! digits, `_` and `-` alone, files are root's and nobody else writes them, the last line ends.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::set;
use super::lowering::Owner;
use super::{Checking, Declare, Decode, Located, Lowering, Service, grid, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::crontab::Crontab;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::value::{AbsPath, Duration};
use crate::model::view::Fields;
use crate::quote::{Text, cron_command, cron_variable, fixed, plain, raw_lines};
use crate::source::Spanned;
use crate::syntax::node::Node;

pub(super) struct Cron {
    name: Spanned<String>,
    on: HostSet,
    when: When,
    user: Spanned<String>,
    command: Spanned<String>,
    environment: Vec<(Spanned<String>, Spanned<String>)>,
    extra: Vec<Spanned<String>>,
}

enum When {
    Schedule(Spanned<Crontab>),
    Every(Spanned<Duration>),
}

/// What cron sets otherwise leaves out `/usr/local` and `sbin`.
const DEFAULTS: [(&str, &str); 2] = [
    ("SHELL", "/bin/sh"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
];

impl Service for Cron {
    const KIND: &'static str = "cron";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let schedule = read::first(node, "schedule").and_then(read::crontab).map(When::Schedule);
        let every = || read::first(node, "every").and_then(read::duration).map(When::Every);
        let user = read::first(node, "user").and_then(read::text);
        let variables = node.children_named("environment").filter_map(|it| match &*it.args {
            [name, value] => Some((read::text(name)?, read::text(value)?)),
            _ => None,
        });
        Some(Self {
            name: read::text(node.args.first()?)?,
            on: set(&cx.managed_hosts(node, "on")),
            when: schedule.or_else(every)?,
            user: user.unwrap_or_else(|| Spanned::new("root".to_owned(), node.head)),
            command: read::first(node, "command").and_then(read::text)?,
            environment: variables.collect(),
            extra: read::texts(node, "extra"),
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        let kind = match &self.when {
            When::Schedule(_) => ClaimKind::Alike,
            When::Every(every) => {
                declare.schedule(every, &self.on);
                ClaimKind::PerHost
            }
        };
        declare.claim(&self.on, &AbsPath::known(self.path()), kind, self.name.span);
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        if let When::Every(every) = &self.when {
            grid::check(every, diagnostics);
        }
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        let twice = super::declare::twice(&names, |it| (it.value.as_str(), it.span));
        for (name, first, second) in twice {
            diagnostics.push(
                Diagnostic::error(Code::NameTaken, format!("`{name}` is set twice"))
                    .at(second, "the second time")
                    .at(first, "the first time")
                    .help("keep one of them"),
            );
        }
        for lines in &self.extra {
            for line in lines.value.lines() {
                if let Err((why, help)) = raw_line(line) {
                    diagnostics.push(
                        Diagnostic::error(Code::WrongValue, format!("`{}` {why}", line.trim()))
                            .at(lines.span, "cron leaves out the whole file for one such line")
                            .help(help),
                    );
                }
            }
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        let mut users: BTreeMap<&str, (Owner, Vec<String>)> = BTreeMap::new();
        for service in services {
            let cron = service.options;
            cron.lower_file(service, cx);
            let of_user = users.entry(&cron.user.value);
            of_user.or_insert((service.owner(), Vec::new())).1.push(cron.path());
        }
        for (user, (owner, files)) in users {
            let command = format!("id {user} >/dev/null");
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            cx.check(owner, &command, &[0], &files);
            cx.verify(owner, &format!("cron can run commands as {user}"), &command);
        }
    }
}

impl Cron {
    fn path(&self) -> String {
        format!("/etc/cron.d/{}", self.name.value)
    }

    fn lower_file(&self, service: &Located<Self>, cx: &mut Lowering) {
        let (schedule, when) = match &self.when {
            When::Schedule(it) => {
                let order = "minute, hour, day of the month, month, day of the week; user, command";
                (fixed(&it.value.to_string(), it.span), fixed(order, it.span))
            }
            When::Every(every) => {
                let when = format!("every {}, each host in a minute of its own", every.value);
                (grid::fields(service.key, every, cx), fixed(&when, every.span))
            }
        };
        let environment = self.variables(cx);
        let view = Fields::new(service.origin.span)
            .texts("environment", environment)
            .text("when", when)
            .text("schedule", schedule)
            .text("user", cx.text(plain(&self.user.value, self.user.span), self.user.span))
            .text(
                "command",
                cx.text(cron_command(&self.command.value, self.command.span), self.command.span),
            )
            .texts("extra", self.extra.iter().map(|lines| raw_lines(lines, 0)));
        cx.crontab(service.owner(), &self.path(), "cron/cron", view);
    }

    /// Ours where the person sets no other, then the person's.
    fn variables(&self, cx: &mut Lowering) -> Vec<Text> {
        let span = self.name.span;
        let own: BTreeSet<&str> =
            self.environment.iter().map(|(name, _)| name.value.as_str()).collect();
        let defaults = DEFAULTS.iter().filter(|(name, _)| !own.contains(name));
        let defaults: Vec<Text> =
            defaults.map(|(name, value)| fixed(&format!("{name}={value}"), span)).collect();
        let own = self.environment.iter().map(|(name, value)| {
            cx.text(cron_variable(&name.value, &value.value, value.span), value.span)
        });
        defaults.into_iter().chain(own.collect::<Vec<_>>()).collect()
    }
}

/// A line of `/etc/cron.d`: nothing, a comment, a variable, or a command behind its times and user.
fn raw_line(line: &str) -> Result<(), (String, String)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let word = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if let Some((_, value)) = line.split_once('=').filter(|(name, _)| word(name.trim_end())) {
        let help = "write `\"\"` behind the `=`".to_owned();
        let why = || ("sets a variable to nothing".to_owned(), help);
        return if value.trim().is_empty() { Err(why()) } else { Ok(()) };
    }
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let (schedule, rest) = words.split_at(words.len().min(fields));
    Crontab::parse(&schedule.join(" ")).map_err(|wrong| (wrong.why, wrong.help))?;
    if rest.len() < 2 {
        let help = "write a user and a command behind the times, as `@daily root /usr/bin/true`";
        return Err(("has no user or no command".to_owned(), help.to_owned()));
    }
    Ok(())
}
