//! The parser's words in ours: in, what the `kdl` crate says of a fault; out, what is wrong and
//! what to write. What it says of new kinds passes as it is.

/// A fault in plain words. `None` where the parser says a second time what it has said.
pub(super) fn plain(said: &str, helped: Option<&str>) -> Option<(String, String)> {
    let known = |message: &str, help: &str| Some((message.to_owned(), help.to_owned()));
    match said {
        "Closing '}' was not found after nodes" => None,
        "Found invalid node name" => known(
            "a node cannot begin like this",
            "begin it with its name, as `host` or `nginx`; `true`, numbers and paths are no names",
        ),
        "Found child block instead of node name" => known(
            "a block without a node",
            "write the node's name before the `{`, in the same line",
        ),
        "No closing '}' for child block" => {
            known("this `{` is not closed", "add the `}` that is missing")
        }
        "Expected end of document" => known(
            "this cannot stand here",
            "put values that are no plain words in quotes, as `\"/srv/www\"`; write each node on a line of its own, or `;` between them",
        ),
        "Expected property value" => known(
            "this is no value for a property",
            "write it behind the `=` and in quotes, as `address=\"192.0.2.10\"`",
        ),
        "Expected identifier string" => known(
            "this is no plain word",
            "put it in quotes; `true`, `false` and `null` are written `#true`, `#false` and `#null`",
        ),
        "Expected keyword" => known(
            "no word is written with this `#`",
            "write `#true`, `#false` or `#null`, or put it in quotes",
        ),
        "Expected quoted string" | "Expected raw string" => known(
            "this string cannot be read",
            "write a backslash as `\\\\`, a quote as `\\\"`, a character by its number as `\\u{e9}`",
        ),
        "Multi-line string opening quotes must be immediately followed by a newline" => {
            known("behind `\"\"\"` the text begins in the same line", "begin it in the next line")
        }
        "matching multiline string prefix" => known(
            "a line of the text is indented less than the `\"\"\"` that closes it",
            "indent every line at least as far as the closing `\"\"\"`",
        ),
        "invalid contents inside type annotation" => known(
            "between `(` and `)` stands no word",
            "only secrets are annotated, as `(secret)\"name\"`; take it out",
        ),
        number if NUMBERS.iter().any(|start| number.starts_with(start)) => known(
            "this is no number",
            "write digits alone, as `443`; what has more in it stands in quotes, as `\"10m\"` and `\"192.0.2.10\"`",
        ),
        other => {
            let help = "a node is `name \"argument\" property=\"value\" { children }`";
            let help = helped.map_or_else(|| help.to_owned(), lower_first);
            Some((lower_first(other), help))
        }
    }
}

const NUMBERS: [&str; 10] = [
    "Expected integer",
    "Expected float",
    "Expected hexadecimal",
    "Expected octal",
    "Expected binary",
    "Non-digit character",
    "number too",
    "invalid digit",
    "invalid float",
    "cannot parse",
];

fn lower_first(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
