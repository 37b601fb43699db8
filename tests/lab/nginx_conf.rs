//! nginx.conf as nginx reads it.
//!
//! In: a file's bytes. Out: directives with their words and blocks, or why nginx would refuse.
//! Not here: what directives mean. Follows `ngx_conf_read_token` of `core/ngx_conf_file.c`, with
//! its oddities: a backslash hides the next character from the end of a word, and is taken away
//! only before quotes, itself, `t`, `r` and `n`; a word has to fit into a buffer of 4096 bytes.

/// A directive: its name and arguments, and what is in its braces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Directive {
    pub(crate) words: Vec<String>,
    pub(crate) block: Option<Vec<Directive>>,
}

impl Directive {
    pub(crate) fn name(&self) -> &str {
        &self.words[0]
    }

    /// What is in its braces.
    pub(crate) fn inside(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }

    /// The directives of a name in its braces.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Directive> {
        self.inside().iter().filter(move |it| it.name() == name)
    }
}

/// Everything in a file, as the block of a directive without words.
pub(crate) fn parse(text: &str) -> Result<Directive, String> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let block = reader.block(true)?;
    Ok(Directive { words: Vec::new(), block: Some(block) })
}

/// What ends a directive's words.
enum End {
    Semicolon,
    Open,
    Close,
    File,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn block(&mut self, top: bool) -> Result<Vec<Directive>, String> {
        let mut directives = Vec::new();
        loop {
            let (words, end) = self.words()?;
            match end {
                End::Semicolon => directives.push(Directive { words, block: None }),
                End::Open => {
                    let block = Some(self.block(false)?);
                    directives.push(Directive { words, block });
                }
                End::Close if top => return Err("unexpected \"}\"".to_owned()),
                End::File if !top => return Err("unexpected end of file".to_owned()),
                End::Close | End::File => return Ok(directives),
            }
        }
    }

    /// `ngx_conf_read_token`.
    fn words(&mut self) -> Result<(Vec<String>, End), String> {
        let mut words: Vec<String> = Vec::new();
        let (mut need_space, mut last_space) = (false, true);
        let (mut comment, mut hidden) = (false, false);
        let mut quote: Option<u8> = None;
        let mut start = self.at;
        loop {
            let Some(&c) = self.bytes.get(self.at) else {
                let whole = words.is_empty() && last_space;
                return if whole { Ok((words, End::File)) } else { Err("unexpected end".into()) };
            };
            self.at += 1;
            if c == b'\n' {
                comment = false;
            }
            if comment {
                continue;
            }
            if hidden {
                hidden = false;
                continue;
            }
            let space = matches!(c, b' ' | b'\t' | b'\r' | b'\n');
            if need_space {
                match c {
                    _ if space => (last_space, need_space) = (true, false),
                    b';' => return Ok((words, End::Semicolon)),
                    b'{' => return Ok((words, End::Open)),
                    c => return Err(format!("unexpected {:?} behind a quote", char::from(c))),
                }
                continue;
            }
            if last_space {
                if space {
                    continue;
                }
                start = self.at - 1;
                match c {
                    b';' | b'{' if words.is_empty() => {
                        return Err(format!("unexpected {:?}", char::from(c)));
                    }
                    b';' => return Ok((words, End::Semicolon)),
                    b'{' => return Ok((words, End::Open)),
                    b'}' if words.is_empty() => return Ok((words, End::Close)),
                    b'}' => return Err("unexpected \"}\"".to_owned()),
                    b'#' => {
                        comment = true;
                        continue;
                    }
                    b'\\' => hidden = true,
                    b'"' | b'\'' => {
                        start += 1;
                        quote = Some(c);
                    }
                    _ => {}
                }
                last_space = false;
                continue;
            }
            let found = match (c, quote) {
                (b'\\', _) => {
                    hidden = true;
                    continue;
                }
                (c, Some(quoted)) => c == quoted,
                (c, None) => space || c == b';' || c == b'{',
            };
            if !found {
                continue;
            }
            words.push(word(&self.bytes[start..self.at - 1])?);
            match (quote.take(), c) {
                (Some(_), _) => need_space = true,
                (None, b';') => return Ok((words, End::Semicolon)),
                (None, b'{') => return Ok((words, End::Open)),
                (None, _) => last_space = true,
            }
        }
    }
}

/// Takes the backslashes away.
fn word(raw: &[u8]) -> Result<String, String> {
    if raw.len() >= 4095 {
        return Err("too long parameter".to_owned());
    }
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = raw.get(at) {
        let (byte, step) = match (c, raw.get(at + 1)) {
            (b'\\', Some(next @ (b'"' | b'\'' | b'\\'))) => (*next, 2),
            (b'\\', Some(b't')) => (b'\t', 2),
            (b'\\', Some(b'r')) => (b'\r', 2),
            (b'\\', Some(b'n')) => (b'\n', 2),
            _ => (c, 1),
        };
        out.push(byte);
        at += step;
    }
    String::from_utf8(out).map_err(|error| error.to_string())
}
