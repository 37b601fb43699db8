//! csync2.cfg as csync2 reads it.
//!
//! In: a file's text. Out: its tokens, then its groups, or why csync2 would refuse. Not here:
//! `config`, `prefix` and the other statements that clustergen does not write. Follows
//! `cfgfile_scanner.l` and `cfgfile_parser.y` of csync2 2.0: the longest match wins, of equal ones
//! a keyword; a string has no escapes and may hold anything but a quote; an empty string is no
//! token at all.

/// Words that mean something by themselves, wherever they stand.
pub(crate) const KEYWORDS: [&str; 24] = [
    "nossl",
    "ignore",
    "database",
    "group",
    "host",
    "exclude",
    "include",
    "compare",
    "key",
    "auto",
    "action",
    "pattern",
    "exec",
    "logfile",
    "do-local",
    "do-local-only",
    "prefix",
    "on",
    "lock-timeout",
    "tempdir",
    "backup-directory",
    "backup-generations",
    "no-cygwin-lowercase",
    "config",
];

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    /// A keyword, or one of `{}();:@`.
    Mark(String),
    /// A word or a string.
    Value(String),
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) hosts: Vec<String>,
    pub(crate) keys: Vec<String>,
    pub(crate) includes: Vec<String>,
    pub(crate) excludes: Vec<String>,
    pub(crate) actions: Vec<Action>,
    pub(crate) backup_directory: Option<String>,
    pub(crate) backup_generations: Option<String>,
    pub(crate) auto: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Action {
    pub(crate) patterns: Vec<String>,
    pub(crate) execs: Vec<String>,
    pub(crate) logfiles: Vec<String>,
    pub(crate) local: bool,
    pub(crate) local_only: bool,
}

pub(crate) fn parse(text: &str) -> Result<Vec<Group>, String> {
    let mut reader = Reader { tokens: scan(text)?, at: 0 };
    let mut groups = Vec::new();
    while reader.at < reader.tokens.len() {
        reader.mark("group")?;
        groups.push(reader.group()?);
    }
    Ok(groups)
}

fn scan(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => rest = &rest[1..],
            '"' => {
                let end = rest[1..].find('"').ok_or("a string does not end")?;
                if end > 0 {
                    tokens.push(Token::Value(rest[1..=end].to_owned()));
                }
                rest = &rest[end + 2..];
            }
            '#' => rest = &rest[rest.find(['\r', '\n']).unwrap_or(rest.len())..],
            _ => {
                let word = word(rest);
                let mark = if word.len() <= 1 && "{}();:@".contains(c) {
                    c.to_string()
                } else {
                    word.to_owned()
                };
                let known = mark != word || KEYWORDS.contains(&word) || "{}".contains(word);
                tokens.push(if known { Token::Mark(mark) } else { Token::Value(mark) });
                rest = &rest[word.len().max(c.len_utf8())..];
            }
        }
    }
    Ok(tokens)
}

/// `[^ \r\n\t@;\(\)#"]*[^ \r\n\t@:;\(\)#"]`
fn word(text: &str) -> &str {
    let end = text.find(|c| " \r\n\t@;()#\"".contains(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(':')
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Result<Token, String> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().ok_or_else(|| "the file ends".to_owned())
    }

    fn mark(&mut self, wanted: &str) -> Result<(), String> {
        match self.next()? {
            Token::Mark(mark) if mark == wanted => Ok(()),
            other => Err(format!("{other:?} in the place of `{wanted}`")),
        }
    }

    fn value(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Value(value) => Ok(value),
            Token::Mark(mark) => Err(format!("`{mark}` in the place of a value")),
        }
    }

    /// Values up to a semicolon.
    fn values(&mut self) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                Token::Value(value) => values.push(value),
                Token::Mark(mark) if mark == ";" => return Ok(values),
                Token::Mark(mark) => return Err(format!("`{mark}` among values {values:?}")),
            }
        }
    }

    fn one(&mut self) -> Result<String, String> {
        let value = self.value()?;
        self.mark(";")?;
        Ok(value)
    }

    fn group(&mut self) -> Result<Group, String> {
        let mut group = Group { name: self.value()?, ..Group::default() };
        self.mark("{")?;
        loop {
            let Token::Mark(statement) = self.next()? else { return Err("a loose value".into()) };
            match statement.as_str() {
                "}" => return Ok(group),
                "host" => group.hosts.extend(self.values()?),
                "key" => group.keys.push(self.one()?),
                "include" => group.includes.extend(self.values()?),
                "exclude" => group.excludes.extend(self.values()?),
                "auto" => group.auto = Some(self.one()?),
                "backup-directory" => group.backup_directory = Some(self.one()?),
                "backup-generations" => group.backup_generations = Some(self.one()?),
                "action" => group.actions.push(self.action()?),
                other => return Err(format!("`{other}` in a group")),
            }
        }
    }

    fn action(&mut self) -> Result<Action, String> {
        let mut action = Action::default();
        self.mark("{")?;
        loop {
            let Token::Mark(statement) = self.next()? else { return Err("a loose value".into()) };
            match statement.as_str() {
                "}" => return Ok(action),
                "pattern" => action.patterns.extend(self.values()?),
                "exec" => action.execs.extend(self.values()?),
                "logfile" => action.logfiles.push(self.one()?),
                "do-local" => {
                    self.mark(";")?;
                    action.local = true;
                }
                "do-local-only" => {
                    self.mark(";")?;
                    action.local_only = true;
                }
                other => return Err(format!("`{other}` in an action")),
            }
        }
    }
}
