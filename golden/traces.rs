//! Finds values where they do not belong, however they are written.
//!
//! The ways of writing are said here once more, and not taken from the program that is judged.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Values by name, each in every way in which it could be written.
#[derive(Default)]
pub struct Traces(BTreeMap<String, Vec<(&'static str, String)>>);

impl Traces {
    pub fn add(&mut self, name: &str, value: &str) {
        assert!(value.len() >= 12, "{name} is too short to be told from chance");
        self.0.insert(name.to_owned(), forms(value));
    }

    /// A private key: each line of its body, but the first and the last, which are short or the
    /// same for all keys.
    pub fn add_key(&mut self, name: &str, pem: &str) {
        let body: Vec<&str> = pem.lines().filter(|it| !it.starts_with("-----")).collect();
        assert!(body.len() >= 2, "{name}: {body:?}");
        for (at, line) in body.iter().enumerate().skip(1).filter(|(_, line)| line.len() > 12) {
            self.add(&format!("{name}, line {at}"), line);
        }
    }

    /// What was found in a text, and how it was written.
    pub fn find(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (name, forms) in &self.0 {
            for (form, written) in forms.iter().filter(|(_, it)| text.contains(it.as_str())) {
                found.push(format!("{name}, {form}: {written}"));
            }
        }
        found
    }

    /// What was found in files, by path.
    pub fn find_in(&self, files: &BTreeMap<String, String>) -> Vec<String> {
        let found = |(path, text): (&String, &String)| {
            self.find(text).into_iter().map(move |it| format!("{path}: {it}")).collect::<Vec<_>>()
        };
        let in_names = files.keys().flat_map(|path| self.find(path));
        files.iter().flat_map(found).chain(in_names).collect()
    }
}

/// Every way in which a value could be written.
pub fn forms(value: &str) -> Vec<(&'static str, String)> {
    let bytes = value.as_bytes();
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |all, b| all + &format!("{b:02x}"));
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let debug = format!("{value:?}");
    let json = serde_json::to_string(value).unwrap();
    let mut forms = vec![
        ("as it is", value.to_owned()),
        ("in hexadecimal digits", hex(bytes)),
        ("in upper-case hexadecimal digits", hex(bytes).to_uppercase()),
        ("as a list of bytes", list.join(", ")),
        ("for URLs", url(value, "%20", false)),
        ("for URLs, in lower case", url(value, "%20", true)),
        ("for forms", url(value, "+", false)),
        ("for XML", xml(value, "&#39;")),
        ("for XML, with its own name of the apostrophe", xml(value, "&apos;")),
        (
            "for the text of XML",
            value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        ),
        ("for properties", properties(value, true)),
        ("for properties, in lower case", properties(value, false)),
        ("for JSON", json[1..json.len() - 1].to_owned()),
        ("for sh", value.replace('\'', "'\\''")),
        ("for SQL", value.replace('\'', "''")),
        ("for conninfo", value.replace('\\', "\\\\").replace('\'', "\\'")),
        ("for Rust", debug[1..debug.len() - 1].to_owned()),
    ];
    for before in 0..3 {
        let written = base64(bytes, before);
        forms.push(("in Base64 for URLs", written.replace('+', "-").replace('/', "_")));
        forms.push(("in Base64", written));
    }
    forms.dedup_by(|a, b| a.1 == b.1);
    forms
}

/// The digits that stand for these bytes alone, where others stand before and behind them.
fn base64(bytes: &[u8], before: usize) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let all = [&[0; 2][..before], bytes].concat();
    let mut out = String::new();
    for three in all.chunks_exact(3) {
        let bits = three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        out.extend([18, 12, 6, 0].map(|at| char::from(DIGITS[bits >> at & 63])));
    }
    let shared = if before == 0 { 0 } else { before + 1 };
    out[shared..].to_owned()
}

fn url(value: &str, space: &str, lower: bool) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        match byte {
            b' ' => out.push_str(space),
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(char::from(b)),
            b if lower => write!(out, "%{b:02x}").unwrap(),
            b => write!(out, "%{b:02X}").unwrap(),
        }
    }
    out
}

fn xml(value: &str, apostrophe: &str) -> String {
    let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', apostrophe)
}

fn properties(value: &str, upper: bool) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if c.is_ascii() => out.push(c),
            c if upper => write!(out, "\\u{:04X}", u32::from(c)).unwrap(),
            c => write!(out, "\\u{:04x}", u32::from(c)).unwrap(),
        }
    }
    out
}

const VALUE: &str = "S3cr3t & <value> of 'ours' \"é\" = : % # \\ $x end";

#[test]
fn what_was_put_somewhere_is_found_in_every_form() {
    let mut traces = Traces::default();
    traces.add("value", VALUE);
    let forms = forms(VALUE);
    assert!(forms.len() > 20, "{}", forms.len());
    for (form, written) in forms {
        let found = traces.find(&format!("before{written}behind"));
        assert!(found.iter().any(|it| it.contains(form)), "{form}: {found:?}");
        let files = BTreeMap::from([(format!("a/{written}"), String::new())]);
        assert!(!traces.find_in(&files).is_empty(), "{form}");
    }
    assert_eq!(traces.find("S3cr3t & <value> of 'theirs'"), [""; 0]);
}

/// Forms that other programs write are found, too.
#[test]
fn what_other_programs_wrote_is_found() {
    let mut traces = Traces::default();
    traces.add("value", VALUE);
    for script in [
        "printf %s \"$VALUE\"",
        "printf %s \"$VALUE\" | base64 -w0",
        "printf 'x%s' \"$VALUE\" | base64 -w0",
        "printf 'xx%s' \"$VALUE\" | base64 -w0",
        "printf 'xxx%sx' \"$VALUE\" | base64 -w0",
        "printf %s \"$VALUE\" | openssl base64 -A",
        "printf %s \"$VALUE\" | od -An -v -tx1 | tr -d ' \\n'",
        "python3 -c 'import os, json; print(json.dumps(os.environ[\"VALUE\"], ensure_ascii=False))'",
        "python3 -c 'import os, html; print(html.escape(os.environ[\"VALUE\"]).replace(\"&#x27;\", \"&#39;\"))'",
        "python3 -c 'import os, urllib.parse as u; print(u.quote(os.environ[\"VALUE\"], safe=\"\"))'",
        "python3 -c 'import os, urllib.parse as u; print(u.quote_plus(os.environ[\"VALUE\"]))'",
    ] {
        let mut sh = std::process::Command::new("sh");
        let done = sh.args(["-c", script]).env("VALUE", VALUE).output().unwrap();
        assert!(done.status.success(), "{script}: {}", crate::cli::text(&done));
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(!traces.find(&said).is_empty(), "{script}: {said}");
    }
}
