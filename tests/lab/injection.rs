//! No value of a description becomes syntax of a file: it is refused, or it arrives as it is.
//!
//! In: texts made of what every format gives a meaning. Out: for each of them a fault with its
//! place, or the very text, read back as the program in question reads it. Many values go into
//! one description, each on a line of its own, so that a fault tells whose it is.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::process::Command;

use clustergen::quote::cron_command;
use clustergen::source::Span;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tempfile::TempDir;

use crate::built::{Built, kdl, said};
use crate::csync2;
use crate::csync2_cfg;
use crate::host::Host;
use crate::nginx;
use crate::nginx_conf;

const CASES: u32 = 64;
const SEED: u64 = 0x00c1_0573_4632;

/// What means something in one of the formats.
const MARKS: [&str; 47] = [
    ";",
    "\"",
    "'",
    "$",
    "${x}",
    "$(id)",
    "`id`",
    "\\",
    "\\\\",
    "\\n",
    "\\x",
    " ",
    "  ",
    "%",
    "%%",
    "%x%",
    "#",
    " #",
    "{",
    "}",
    "{{",
    "}}",
    "(",
    ")",
    "@",
    ":",
    ",",
    "=",
    "*",
    "**",
    "?",
    "[",
    "]",
    "!",
    "~",
    "^",
    "|",
    "&&",
    "<",
    ">",
    "-",
    "+",
    ".",
    "ä",
    "漢",
    "\u{a0}",
    "CGSECRET_x",
];

/// What no line can carry, and what a person cannot see.
const CONTROLS: [&str; 10] =
    ["\n", "\r", "\r\n", "\t", "\0", "\u{1}", "\u{4}", "\u{7f}", "\u{85}", "\u{2028}"];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        20 => select(&MARKS[..]).prop_map(str::to_owned),
        14 => "[a-z0-9]{1,3}",
        2 => "[A-Z]{1,2}",
        1 => select(&CONTROLS[..]).prop_map(str::to_owned),
    ];
    vec(piece, 1..9).prop_map(|pieces| pieces.concat())
}

/// One value, and which option it is for.
#[derive(Clone, Debug)]
struct Slot {
    option: usize,
    number: usize,
    value: String,
}

/// Values for `options` options.
fn slots(options: usize) -> impl Strategy<Value = Vec<Slot>> {
    vec((0..options, hostile()), 1..24).prop_map(|list| {
        let numbered = list.into_iter().enumerate();
        numbered.map(|(number, (option, value))| Slot { option, number, value }).collect()
    })
}

/// Runs a property; a failure shows the seed and the smallest description that fails.
///
/// A property gives the number of values that arrived: a generator that is held to refusing
/// everything would prove nothing.
fn holds<S: Strategy>(strategy: &S, property: impl Fn(S::Value) -> usize) {
    let arrived = Cell::new(0);
    let config = Config {
        cases: CASES,
        rng_seed: RngSeed::Fixed(SEED),
        failure_persistence: None,
        max_shrink_iters: 64,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(strategy, |values| {
        arrived.set(arrived.get() + property(values));
        Ok(())
    });
    if let Err(failure) = run {
        panic!("seed {SEED:#x}: {failure}");
    }
    assert!(arrived.get() >= 30, "{} values were not refused", arrived.get());
}

/// A description of `head`, a line for each slot, and `tail`.
fn describe(head: &str, slots: &[Slot], line: impl Fn(&Slot) -> String, tail: &str) -> String {
    let lines: String = slots.iter().map(|slot| line(slot) + "\n").collect();
    format!("{head}\n{lines}{tail}\n")
}

/// Takes the values out that are refused, and builds the others.
fn accepted(
    head: &str,
    mut slots: Vec<Slot>,
    line: impl Fn(&Slot) -> String,
    tail: &str,
) -> (Built, Vec<Slot>) {
    loop {
        let text = describe(head, &slots, &line, tail);
        let faults = Built::faults(&text);
        if faults.is_empty() {
            return (Built::of(&text), slots);
        }
        let first = head.lines().count() + 1;
        let mut refused = BTreeSet::new();
        for fault in faults {
            let at = fault.line.checked_sub(first).filter(|at| *at < slots.len());
            refused.insert(at.unwrap_or_else(|| panic!("{} is of no value:\n{text}", fault.text)));
        }
        let mut at = 0;
        slots.retain(|_| {
            at += 1;
            !refused.contains(&(at - 1))
        });
    }
}

#[test]
fn nginx_is_given_every_value_as_it_was_written() {
    const HEAD: &str = r#"cluster "c" domain="example.org" platform="debian-12"
host "lb" address="192.0.2.1"
host "app" address="192.0.2.2"
nginx "n" { on "lb"; upstream "u" { servers "app" port=80 }; site "www.example.org" {"#;
    const MODIFIERS: [&str; 3] = ["", "= ", "^~ "];
    let path = |slot: &Slot| format!("/{}/{}", slot.number, slot.value);
    let escaped = |slot: &Slot| {
        let hide = |c: char| if c.is_ascii_alphanumeric() { c.into() } else { format!("\\{c}") };
        format!("/{}/{}", slot.number, slot.value.chars().map(hide).collect::<String>())
    };
    let line = |slot: &Slot| {
        let (number, value) = (slot.number, kdl(&slot.value));
        match slot.option {
            0..3 => {
                let text = format!("{}{}", MODIFIERS[slot.option], path(slot));
                format!("location {} to=\"u\"", kdl(&text))
            }
            3 => format!("location {} to=\"u\"", kdl(&format!("~* {}", escaped(slot)))),
            4 => format!("location \"/{number}\" redirect={value}"),
            5 => format!("location \"/{number}\" to=\"u\" {{ request-header \"X-A\" {value} }}"),
            6 => format!("location \"/{number}\" to=\"u\" {{ response-header \"X-A\" {value} }}"),
            _ => {
                let name = kdl(&format!("X-{}", slot.value));
                format!("location \"/{number}\" to=\"u\" {{ request-header {name} \"1\" }}")
            }
        }
    };
    let host = Host::start("lb");
    holds(&slots(8), |slots| {
        let (built, slots) = accepted(HEAD, slots, line, "}}");
        let text = built.file("lb", "/etc/nginx/nginx.conf");
        host.write("/etc/nginx/nginx.conf", &text);
        nginx::quiet(&host, &text);
        let config = nginx_conf::parse(&text).unwrap();
        let servers: Vec<_> = nginx::only(&config, "http").named("server").collect();
        assert_eq!(servers.len(), 2, "a server more than there should be");
        let locations: Vec<_> = servers[1].named("location").collect();
        // behind them all, what answers for the rest
        assert_eq!(locations.len(), slots.len() + 1);
        for (slot, location) in slots.iter().zip(locations) {
            let words: Vec<&str> = location.words.iter().map(String::as_str).collect();
            let last = |name| {
                let found: Vec<_> =
                    location.named(name).filter(|it| it.words[1] != "Host").collect();
                found.last().unwrap_or_else(|| panic!("no {name}: {location:?}")).words.clone()
            };
            // nginx would take what follows a `$` for a variable
            let literal = (4..7).contains(&slot.option);
            assert!(!literal || !slot.value.contains('$'), "{slot:?}");
            match slot.option {
                0 => assert_eq!(words, ["location", &path(slot)]),
                1 => assert_eq!(words, ["location", "=", &path(slot)]),
                2 => assert_eq!(words, ["location", "^~", &path(slot)]),
                3 => assert_eq!(words, ["location", "~*", &escaped(slot)]),
                4 => assert_eq!(last("return"), ["return", "301", &slot.value]),
                5 => assert_eq!(last("proxy_set_header"), ["proxy_set_header", "X-A", &slot.value]),
                6 => assert_eq!(last("add_header"), ["add_header", "X-A", &slot.value, "always"]),
                _ => {
                    let name = format!("X-{}", slot.value);
                    assert_eq!(last("proxy_set_header"), ["proxy_set_header", &name, "1"]);
                }
            }
        }
        slots.len()
    });
}

#[test]
fn csync2_is_given_every_value_as_it_was_written() {
    const HEAD: &str = r#"cluster "c" domain="example.org" platform="debian-12"
host "n1" address="192.0.2.1"
host "n2" address="192.0.2.2"
csync2 "g" { members "n1" "n2"; include "/srv/www""#;
    let line = |slot: &Slot| {
        let (number, value) = (slot.number, kdl(&slot.value));
        let path = kdl(&format!("/d{number}/{}", slot.value));
        match slot.option {
            0 => format!("include {path}"),
            1 => format!("exclude {value}"),
            2 => format!("action {{ pattern {value}; exec \"true\" }}"),
            3 => format!("action {{ exec {value} }}"),
            _ => format!("action {{ exec \"true\"; logfile {path} }}"),
        }
    };
    holds(&slots(5), |slots| {
        let (built, slots) = accepted(HEAD, slots, line, "}");
        csync2::reads(&built, "n1", "/etc", |cfg| cfg).unwrap();
        let groups = csync2_cfg::parse(&built.file("n1", "/etc/csync2.cfg")).unwrap();
        assert_eq!(groups.len(), 1);
        let of = |option: usize| slots.iter().filter(move |slot| slot.option == option);
        let path = |slot: &Slot| {
            let path = format!("/d{}/{}", slot.number, slot.value);
            path.strip_suffix('/').unwrap_or(&path).to_owned()
        };
        let mut includes = vec!["/srv/www".to_owned()];
        includes.extend(of(0).map(path));
        assert_eq!(groups[0].includes, includes);
        let excludes: Vec<String> = of(1).map(|slot| slot.value.clone()).collect();
        assert_eq!(groups[0].excludes, excludes);
        let actions: Vec<&Slot> = slots.iter().filter(|slot| slot.option > 1).collect();
        assert_eq!(groups[0].actions.len(), actions.len());
        for (action, slot) in groups[0].actions.iter().zip(actions) {
            match slot.option {
                2 => assert_eq!(action.patterns, std::slice::from_ref(&slot.value)),
                3 => assert_eq!(action.execs, std::slice::from_ref(&slot.value)),
                _ => assert_eq!(action.logfiles, [path(slot)]),
            }
        }
        slots.len()
    });
}

#[test]
fn scripts_and_files_are_given_every_value_as_it_was_written() {
    const HEAD: &str = r#"cluster "c" domain="example.org" platform="debian-12"
host "h" address="192.0.2.1""#;
    let line = |slot: &Slot| {
        let (number, value) = (slot.number, kdl(&slot.value));
        let path = kdl(&format!("/f{number}/{}", slot.value));
        let rest = match slot.option {
            0 => return format!("file {path} {{ on \"h\"; content \"x\" }}"),
            1 => format!("content \"x\"; owner {value}"),
            2 => format!("content \"x\"; owner \"root\" group={value}"),
            3 => format!("content \"x\"; reload {value}"),
            4 => format!("content \"x\"; restart {value}"),
            _ => format!("content {}", kdl(&slot.value.replace("{{", "{{ \"{{\" }}"))),
        };
        format!("file \"/f{number}\" {{ on \"h\"; {rest} }}")
    };
    holds(&slots(7), |slots| {
        let (built, slots) = accepted(HEAD, slots, line, "");
        let mut wanted: Vec<Vec<String>> = slots
            .iter()
            .map(|slot| {
                let value = slot.value.clone();
                let or = |option: usize, other: &str| {
                    if slot.option == option { value.clone() } else { other.to_owned() }
                };
                let owner = format!("{}:{}", or(1, "root"), or(2, "root"));
                let change = match slot.option {
                    3 => "reload",
                    4 => "restart",
                    _ => "none",
                };
                let unit = if change == "none" { "-".to_owned() } else { value.clone() };
                ["file".into(), "0644".into(), owner, path_of(slot), change.into(), unit].into()
            })
            .collect();
        wanted.sort();
        for shell in [&["dash"][..], &["busybox", "ash"]] {
            let mut found = table(shell, &built);
            found.retain(|line| line[0] == "file");
            found.sort();
            assert_eq!(found, wanted, "{shell:?}");
        }
        let root = TempDir::new().unwrap();
        let first = built.apply("h", root.path());
        assert!(first.status.success(), "{}", said(&first));
        for slot in &slots {
            let path = root.path().join(path_of(slot).trim_start_matches('/'));
            let text = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}: {}", path.display(), said(&first)));
            let content = if slot.option < 5 { "x" } else { &slot.value };
            let end = if content.ends_with('\n') { "" } else { "\n" };
            assert_eq!(text, format!("{content}{end}"));
        }
        let second = built.apply("h", root.path());
        assert!(said(&second).contains("nothing to change"), "{}", said(&second));
        slots.len()
    });
}

#[test]
fn names_are_dns_labels_or_refused() {
    const HEAD: &str = "cluster \"c\" domain=\"example.org\" platform=\"debian-12\"\n\
                        host \"n1\" address=\"192.0.2.1\"\n\
                        host \"n2\" address=\"192.0.2.2\"";
    let line = |slot: &Slot| {
        let (number, name) = (slot.number, kdl(&slot.value));
        match slot.option {
            0 => format!("host {name} address=\"192.0.2.{}\"", number + 10),
            1 => format!("group {name} {{ members \"n1\" }}"),
            2 => format!("csync2 {name} {{ members \"n1\" \"n2\"; include \"/srv/{number}\" }}"),
            3 => format!("certificate \"c{number}\" {{ names {name} }}"),
            _ => format!("hosts \"h{number}\" {{ on \"n1\"; entry {name} }}"),
        }
    };
    holds(&slots(5), |slots| {
        let (_, slots) = accepted(HEAD, slots, line, "");
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        for slot in &slots {
            assert!(slot.value.chars().all(legal), "{slot:?}");
        }
        slots.len()
    });
}

#[test]
fn cron_hands_every_command_to_the_shell_as_it_was_written() {
    holds(&hostile(), |command| {
        let Ok(text) = cron_command(&command, Span::default()) else { return 0 };
        for pairs in [true, false] {
            assert_eq!(handed_over(text.as_str(), pairs), command);
        }
        1
    });
}

/// `do_command.c`: a backslash before a percent sign is taken away, a percent sign without one
/// ends the command. Of two backslashes cron 3.0pl1 takes one away, cronie none.
fn handed_over(line: &str, pairs: bool) -> String {
    let (mut read, mut escaped) = (String::new(), false);
    for c in line.chars() {
        assert!(escaped || (c != '%' && c != '\n'), "the command ends early: {read:?} of {line:?}");
        if escaped && (c == '%' || (pairs && c == '\\')) {
            read.pop();
        }
        escaped = !escaped && c == '\\';
        read.push(c);
    }
    read
}

fn path_of(slot: &Slot) -> String {
    let path = format!("/f{}/{}", slot.number, slot.value);
    match slot.option {
        0 => path.strip_suffix('/').unwrap_or(&path).to_owned(),
        _ => format!("/f{}", slot.number),
    }
}

/// The lines of a bundle's `host.sh` with their words, as a shell understands them.
fn table(shell: &[&str], built: &Built) -> Vec<Vec<String>> {
    const SCRIPT: &str = r#"
        show() { for word in "$@"; do printf '%s\000' "$word"; done; printf '\036\000'; }
        package() { show package "$@"; }
        directory() { show directory "$@"; }
        block() { show block "$@"; }
        file() { show file "$@"; }
        check() { show check "$@"; }
        unit() { show unit "$@"; }
        link() { show link "$@"; }
        verify() { show verify "$@"; }
        where() { :; } # cloud-init's file is no option's
        . ./host.sh
        resources
    "#;
    let mut command = Command::new(shell[0]);
    let command = command.args(&shell[1..]).args(["-eu", "-c", SCRIPT]);
    let done = command.current_dir(built.bundle("h")).output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
    let text = String::from_utf8(done.stdout).unwrap();
    let lines = text.split("\u{1e}\0").filter(|line| !line.is_empty());
    lines.map(|line| line.trim_end_matches('\0').split('\0').map(str::to_owned).collect()).collect()
}
