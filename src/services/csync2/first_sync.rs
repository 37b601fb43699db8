//! The first sync of a group, in which the first member wins: a one-time step of every member, and
//! what `--verify` says of a group after it.

use super::super::lowering::Scripts;
use super::super::{Located, Lowering};
use super::{Csync2, myself, purpose};
use crate::model::view::Fields;
use crate::quote::sh_word;

/// The first member gives its files to all, the others wait for them. The order of the calls is
/// that of crmsh's bootstrap: only where the plain one is refused is it told who wins.
///
/// Meanwhile nothing is resolved by itself: the step has a configuration of its own, in which this
/// group's `auto` is `none`.
pub(super) fn lower(
    service: &Located<Csync2>,
    all: &[Located<Csync2>],
    dir: &str,
    cx: &mut Lowering,
) {
    let group = service.options;
    let me = myself(cx);
    let call = group.call(&me);
    let Some(first) = group.members.first().map(|it| it.value) else { return };
    // -T compares what both have in their databases: 0 where that differs, 1 where somebody does
    // not answer, 2 where it is the same (csync2 2.0)
    let look = format!("{call} -cr /");
    let ask = |pair: &str| format!("came=$({call} -T{pair}) || [ $? -eq 2 ] || return 1");
    let lacks = |lines: &str| format!("! printf '%s\\n' \"$came\" | grep -q '^[{lines}]'");
    // where nobody has anything yet, everybody has the same
    let mut something = vec!["found=''".to_owned()];
    something.extend(each_folder(group, &["[ ! -e \"$path\" ] || found=1"], cx));
    something.push(
        "[ -n \"$found\" ] || { echo 'none of its folders is there yet'; return 1; }".to_owned(),
    );
    let step = group.step_key();
    let scripts = if first == cx.host {
        let auto = |it: &Csync2| {
            if it.name == group.name { "none".to_owned() } else { it.auto.value.clone() }
        };
        let of_step = (step.as_str(), "csync2.cfg");
        cx.step_file(service.owner(), of_step, "csync2/csync2.cfg", |cx| {
            let group =
                |it: &Located<Csync2>| it.options.group(it.owner(), dir, &auto(it.options), cx);
            let groups: Vec<Fields> = all.iter().map(group).collect();
            Fields::new(service.origin.span).list("groups", groups)
        });
        Scripts {
            guard: something.clone(),
            run: vec![
                "# the configuration of this step: auto is none".to_owned(),
                "export CSYNC2_SYSTEM_DIR=\"$files\"".to_owned(),
                format!("ln -s {dir}/csync2_ssl_cert.pem {dir}/csync2_ssl_key.pem \"$files\""),
                format!("{call} -rm /"),
                format!("{call} -rxv / || {{ {call} -rf / && {call} -rxv /; }}"),
            ],
            proof: [something, vec![look, ask(""), lacks("LX")]].concat(),
        }
    } else {
        let winner = cx.inventory.host(first).dialled(purpose().as_ref());
        // what the others have of their own may not have come from them yet
        let ask = ask(&format!(" {me} {winner}"));
        let mut proof = [something, vec![look, ask, lacks("RX") + " || return 1"]].concat();
        // the winner has looked at its own only where it knows the folders themselves
        let line = format!("line=$(printf 'L\\t%s\\t%s\\t%s' {me} {winner} \"$path\")");
        let known = "! printf '%s\\n' \"$came\" | grep -Fqx \"$line\" || return 1";
        proof.extend(each_folder(group, &[&line, known], cx));
        Scripts { proof, ..Scripts::default() }
    };
    cx.step(service.owner(), &step, scripts);
    let title = format!("csync2 `{}`: every peer answers and holds the same files", group.name);
    let alike = format!("{call} -cr /; code=0; {call} -T || code=$?; [ \"$code\" -eq 2 ]");
    cx.verify(service.owner(), &title, &alike, Some(&step));
    verify_no_links(service, cx);
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
        "real=$(readlink -f \"$path\")",
        "[ \"$real\" = \"$path\" ] || { echo \"$path is ${real:-nothing}\"; exit 1; }",
    ];
    let lines = each_folder(group, &body, cx);
    cx.verify(service.owner(), &title, &lines.join("\n"), None);
}
