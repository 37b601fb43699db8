//! Patterns of what a sync leaves out.

/// As csync2 and rsync read a pattern: with a slash it is a path and covers what is below it,
/// without one it is held against every name on the path.
pub(super) fn covers(pattern: &str, path: &str) -> bool {
    if pattern.contains('/') {
        let rest = path.strip_prefix(pattern.trim_end_matches('/'));
        return rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    }
    path.split('/').any(|name| !name.is_empty() && wildcard(pattern.as_bytes(), name.as_bytes()))
}

/// `*` and `?`; anything else stands for itself, so that a pattern that is not understood
/// excludes too little and the person is asked. Goes back to the last star only, so the work is
/// the product of the lengths at the most.
fn wildcard(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star.as_mut() {
                Some((at, from)) => {
                    *from += 1;
                    (p, n) = (*at + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}
