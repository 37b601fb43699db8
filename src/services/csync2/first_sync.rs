//! The first sync of a group, in which the first member wins: a one-time step of every member, and
//! what `--verify` says of a group after it.

use super::super::lowering::Scripts;
use super::super::{Located, Lowering};
use super::peers::script;
use super::{Csync2, LOCK, myself, purpose};
use crate::model::host::HostId;
use crate::model::view::Fields;
use crate::quote::sh_word;
use crate::source::Spanned;

/// The first member gives its files to each of the others, which wait for them.
pub(super) fn lower(
    service: &Located<Csync2>,
    all: &[Located<Csync2>],
    dir: &str,
    cx: &mut Lowering,
) {
    let group = service.options;
    let [first, others @ ..] = group.members.as_slice() else { return };
    if first.value == cx.host {
        for other in others {
            let scripts = give(service, dir, other, cx);
            let step = group.given_to(&cx.inventory.host(other.value).name);
            config(service, all, dir, (&step, &[first.clone(), other.clone()]), cx);
            cx.step(service.owner(), &step, scripts);
        }
    } else {
        let proof = has_come(group, first, cx);
        cx.step(service.owner(), &group.has_come(), Scripts { proof, ..Scripts::default() });
    }
    let title = format!("csync2 `{}`: every peer answers and holds the same files", group.name);
    let alike = format!("{} --alike {}", script(dir), group.name);
    let steps = group.steps_of(cx.host, cx.inventory);
    cx.verify_after(service.owner(), &title, &alike, steps);
    verify_no_links(service, cx);
}

/// The order of the calls is that of crmsh's bootstrap: only where the plain one is refused is it told who
/// wins. `-F` marks anew with that; `-f` would say it of what is marked for any peer, of those too that have
/// been at work for years (csync2 2.0, `check.c` and `csync2.c`).
fn give(
    service: &Located<Csync2>,
    dir: &str,
    other: &Spanned<HostId>,
    cx: &mut Lowering,
) -> Scripts {
    let group = service.options;
    let me = myself(cx);
    let call = group.call(&me);
    let peer = cx.inventory.host(other.value).dialled(purpose().as_ref());
    let something = something(group, cx);
    let mut proof = something.clone();
    proof.extend(compared(&call, &me, &peer));
    proof.push(lacks("LX"));
    let [opens, locks] = locked();
    Scripts {
        guard: something,
        run: vec![
            "# nothing of the crontab's meanwhile".to_owned(),
            opens,
            locks,
            "# what has changed is marked for all, while all are known".to_owned(),
            format!("{call} -cr /"),
            "# the configuration of this step: these two alone, and auto is none".to_owned(),
            "export CSYNC2_SYSTEM_DIR=\"$files\"".to_owned(),
            format!("ln -s {dir}/csync2_ssl_cert.pem {dir}/csync2_ssl_key.pem \"$files\""),
            format!("{call} -rm /"),
            format!("give=\"{call} -P {peer} -ruv /\""),
            format!("$give || {{ {call} -F -rm / && $give; }}"),
        ],
        proof,
    }
}

/// Meanwhile nothing is resolved by itself, and nobody else is asked.
fn config(
    service: &Located<Csync2>,
    all: &[Located<Csync2>],
    dir: &str,
    (step, pair): (&str, &[Spanned<HostId>]),
    cx: &mut Lowering,
) {
    cx.step_file(service.owner(), (step, "csync2.cfg"), "csync2/csync2.cfg", |cx| {
        let group = |it: &Located<Csync2>| {
            let group = it.options;
            let of = if group.name == service.options.name {
                (pair, "none")
            } else {
                (&*group.members, &*group.auto.value)
            };
            group.group(it.owner(), dir, of, cx)
        };
        let groups: Vec<Fields> = all.iter().map(group).collect();
        Fields::new(service.origin.span).list("groups", groups)
    });
}

fn has_come(group: &Csync2, first: &Spanned<HostId>, cx: &mut Lowering) -> Vec<String> {
    let me = myself(cx);
    let winner = cx.inventory.host(first.value).dialled(purpose().as_ref());
    let mut proof = something(group, cx);
    proof.extend(compared(&group.call(&me), &me, &winner));
    // what the others have of their own may not have come from them yet
    proof.push(lacks("RX") + " || return 1");
    // the winner has looked at its own only where it knows the folders themselves
    let line = format!("line=$(printf 'L\\t%s\\t%s\\t%s' {me} {winner} \"$path\")");
    let known = "! printf '%s\\n' \"$came\" | grep -Fqx \"$line\" || return 1";
    proof.extend(each_folder(group, &[&line, known], cx));
    proof
}

/// Where nobody has anything yet, everybody has the same, and folders alone are nothing to give.
fn something(group: &Csync2, cx: &mut Lowering) -> Vec<String> {
    let mut lines = vec!["found=''".to_owned()];
    let file = "[ -z \"$(find \"$path\" ! -type d -print -quit 2>/dev/null)\" ] || found=1";
    lines.extend(each_folder(group, &[file], cx));
    lines.push(
        "[ -n \"$found\" ] || { echo 'none of its folders has a file yet'; return 1; }".to_owned(),
    );
    lines
}

/// -T compares what both have in their databases: 0 where that differs, 1 where somebody does not answer,
/// 2 where it is the same (csync2 2.0). What this host has goes into its own before, as the crontab has it: -c
/// marks what has changed for all peers, and does what an action has to do here (`check.c`, `action.c`).
fn compared(call: &str, me: &str, peer: &str) -> [String; 4] {
    let [opens, locks] = locked();
    let same = format!("came=$({call} -T {me} {peer}) || [ $? -eq 2 ] || return 1");
    [opens, locks, format!("{call} -cr /"), same]
}

/// Lines of sh that wait for the crontab, and keep it away as long as their function runs.
fn locked() -> [String; 2] {
    let busy = "{ echo 'a run of the crontab is at work, for ten minutes at least'; return 1; }";
    [format!("exec 9>{LOCK}"), format!("flock -w 600 9 || {busy}")]
}

/// What came has no line that begins so.
fn lacks(lines: &str) -> String {
    format!("! printf '%s\\n' \"$came\" | grep -q '^[{lines}]'")
}

/// Lines of sh that do something with each folder of a group, as `$path`.
fn each_folder(group: &Csync2, body: &[&str], cx: &mut Lowering) -> Vec<String> {
    let mut lines = vec!["for path in \\".to_owned()];
    for include in &group.includes {
        let path = cx.text(sh_word(include.value.as_str(), include.span), include.span);
        lines.push(format!("    {} \\", path.as_str()));
    }
    lines.push("; do".to_owned());
    lines.extend(body.iter().map(|line| format!("    {line}")));
    lines.push("done".to_owned());
    lines
}

/// csync2 leaves out in silence what it finds behind a symbolic link.
fn verify_no_links(service: &Located<Csync2>, cx: &mut Lowering) {
    let group = service.options;
    let title = format!("csync2 `{}`: no path leads over a symbolic link", group.name);
    let body = [
        "# of what is not there, or not there yet, there is nothing to say",
        "[ -e \"$path\" ] || [ -L \"$path\" ] || continue",
        "real=$(readlink -f \"$path\")",
        "[ \"$real\" = \"$path\" ] || { echo \"$path is ${real:-nothing}\"; exit 1; }",
    ];
    let lines = each_folder(group, &body, cx);
    cx.verify(service.owner(), &title, &lines.join("\n"));
}
