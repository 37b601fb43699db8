//! Patterns of locations that PCRE would not read, so that nginx would not start.
//!
//! In: a pattern, as behind `~`. Out: what is wrong with it, where that is certain; nginx reads the
//! rest on the host. Source: pcre2pattern(3).

/// What opens parts in which brackets mean something else: comments, verbs, literal text.
const LEFT_ALONE: [&str; 3] = ["(?#", "(*", "\\Q"];

/// What is wrong with a pattern, behind the pattern itself.
pub(super) fn fault(pattern: &str) -> Option<&'static str> {
    // `(?x)` and `(?ix)` make comments of what stands behind a `#`
    let flags = |it: &str| it.chars().take_while(char::is_ascii_lowercase).any(|c| c == 'x');
    let spaced = pattern.split("(?").skip(1).any(flags);
    if spaced || LEFT_ALONE.iter().any(|it| pattern.contains(it)) {
        return None;
    }
    let mut letters = pattern.chars().peekable();
    let (mut depth, mut begins) = (0_usize, true);
    while let Some(c) = letters.next() {
        let began = begins;
        begins = matches!(c, '(' | '|' | '^');
        match c {
            '\\' if letters.next().is_none() => return Some("ends with a backslash"),
            '*' | '+' | '?' if began => return Some("repeats nothing"),
            '[' if !skip_class(&mut letters) => return Some("has a `[` that is not closed"),
            '(' => {
                depth += 1;
                // `(?…)` is a group of another kind
                letters.next_if_eq(&'?');
            }
            ')' if depth == 0 => return Some("closes a `)` that nothing opened"),
            ')' => depth -= 1,
            _ => {}
        }
    }
    (depth > 0).then_some("has a `(` that is not closed")
}

/// Goes behind the bracket that ends a class, if there is one. One that comes first stands for itself,
/// and `[:alpha:]` has brackets of its own.
fn skip_class(letters: &mut std::iter::Peekable<std::str::Chars>) -> bool {
    letters.next_if_eq(&'^');
    letters.next_if_eq(&']');
    while let Some(c) = letters.next() {
        match c {
            ']' => return true,
            '\\' => {
                letters.next();
            }
            '[' if letters.next_if_eq(&':').is_some() => {
                while letters.next().is_some_and(|it| it != ']') {}
            }
            _ => {}
        }
    }
    false
}
