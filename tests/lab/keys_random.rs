//! Keys in files that nobody would write by hand: set, set again, others set, all given back.
//!
//! In: random files and wishes, many in one run of sh, with each awk that a host may have. Out:
//! what a reader of the format finds in them, and that no byte of anybody else's was touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use clustergen::quote::{Encoding, Piece, in_slot, ini_line, properties_line};
use clustergen::source::Span;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tempfile::TempDir;

use crate::built::said;
use crate::properties;
use crate::trees::repository;

const CASES: usize = 80;
const AWKS: [&str; 3] = ["mawk", "gawk", "busybox awk"];

/// Section and key to value; `None` is to go.
type Wishes = BTreeMap<(&'static str, &'static str), Option<String>>;

#[derive(Debug)]
struct Case {
    before: Vec<u8>,
    wishes: [Wishes; 2],
}

/// For each folder: the first wishes, the same again, the second ones, none at all.
const RUN: &str = r#"
unless_check() { echo "$*"; }
fail() { echo "$*" >&2; exit 1; }
step() {
    : >"$work/keys"
    { cat "$2"; echo .; } >"$work/wanted"
    edit_keys "$format" /f "$1"
    mv "$work/keys" "$state/keys"
    mv "$work/new/f" "$3"
}
for folder in "$1"/*/; do
    state=$folder work=$folder/work
    mkdir "$work"
    step "$folder/before" "$folder/wishes0" "$folder/once"
    step "$folder/once" "$folder/wishes0" "$folder/twice"
    step "$folder/twice" "$folder/wishes1" "$folder/others"
    step "$folder/others" /dev/null "$folder/back"
done
"#;

/// Runs all cases with one awk; the folder of each has what became of its file.
fn run(format: &str, awk: &str, cases: &[Case], line: fn(&str, Option<&str>) -> String) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (at, case) in cases.iter().enumerate() {
        let place = folder.path().join(format!("cases/{at:03}"));
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("before"), &case.before).unwrap();
        for (at, wishes) in case.wishes.iter().enumerate() {
            let mut text = String::from("# what is wanted\n");
            let mut section = "";
            for ((of, key), value) in wishes {
                if *of != section {
                    text.push_str(&format!("[{of}]\n"));
                    section = of;
                }
                text.push_str(&line(key, value.as_deref()));
                text.push('\n');
            }
            fs::write(place.join(format!("wishes{at}")), text).unwrap();
        }
    }
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("awk"), format!("#!/bin/sh\nexec {awk} \"$@\"\n")).unwrap();
    Command::new("chmod").arg("0755").arg(bin.join("awk")).status().unwrap();
    let engine = repository("templates/apply/engine");
    let part = |name: &str| fs::read_to_string(engine.join(name)).unwrap();
    let script = [part("33-keys-read.sh"), part("35-keys.sh"), RUN.to_owned()].concat();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let done = Command::new("dash")
        .args(["-euc", &script, "sh"])
        .arg(folder.path().join("cases"))
        .envs([("PATH", path.as_str()), ("LC_ALL", "C"), ("format", format)])
        .output()
        .unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{awk}: {}", said(&done));
    assert_eq!(String::from_utf8_lossy(&done.stdout), "", "{awk}: nobody changed anything");
    folder
}

/// Cases out of a fixed seed.
fn cases(file: impl Strategy<Value = Vec<u8>>, wishes: impl Strategy<Value = Wishes>) -> Vec<Case> {
    let seed = RngSeed::Fixed(0x6b65_7973);
    let mut runner = TestRunner::new(Config { rng_seed: seed, ..Config::default() });
    let mut draw = || Case {
        before: file.new_tree(&mut runner).unwrap().current(),
        wishes: [0, 1].map(|_| wishes.new_tree(&mut runner).unwrap().current()),
    };
    (0..CASES).map(|_| draw()).collect()
}

/// Lines with their ends; the last one may be without.
fn file(line: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let end = select(vec!["\n", "\n", "\n", "\r\n", "\r\n", "\r"]);
    (vec((line, end), 0..12), any::<bool>()).prop_map(|(lines, ended)| {
        let mut file = Vec::new();
        let last = lines.len().saturating_sub(1);
        for (at, (line, end)) in lines.into_iter().enumerate() {
            file.extend(line);
            if ended || at < last {
                file.extend(end.bytes());
            }
        }
        file
    })
}

fn atoms(atoms: &'static [&'static [u8]], most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(select(atoms), 0..=most).prop_map(|atoms| atoms.concat())
}

fn place(folder: &TempDir, case: usize, name: &str) -> Vec<u8> {
    fs::read(folder.path().join(format!("cases/{case:03}/{name}"))).unwrap()
}

/// What is asked again changes nothing, and what is asked no more leaves nothing.
fn assert_kept(folder: &TempDir, awk: &str, at: usize, case: &Case) {
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let once = shown(&place(folder, at, "once"));
    assert_eq!(once, shown(&place(folder, at, "twice")), "{awk}: twice is not once: {case:?}");
    let back = shown(&place(folder, at, "back"));
    assert_eq!(back, shown(&case.before), "{awk}: it is not given back: {case:?}");
}

const PROPERTIES: [&str; 7] = ["a", "b.c", "k 1", "x:y", "#n", "\\", "new"];

fn properties_cases() -> Vec<Case> {
    let key =
        select(vec!["a", "\\u0061", "\\a", "b.c", "b\\.c", "k\\ 1", "x\\:y", "\\#n", "other"]);
    let key = key.prop_map(|it| it.as_bytes().to_vec());
    let written = (
        atoms(&[b" ", b"\t", b"\x0c"], 2),
        key,
        select(vec!["=", ":", " ", " = ", "\t: ", "", "  ", "=="]),
        atoms(&[b"v", b" ", b"\\\\", b"\\n", b"\xe9", b"\xc3\xa4", b"=", b"#"], 4),
        select(vec!["", "", "", "\\", "\\\\"]),
    )
        .prop_map(|(indent, key, sign, value, tail)| {
            [indent, key, sign.into(), value, tail.into()].concat()
        });
    let wild = atoms(
        &[b"a", b"b.c", b"\\", b"\\\\", b"=", b":", b" ", b"\t", b"#", b"!", b"\\u0061", b"\xff"],
        6,
    );
    let comment = Just(b"# kept = \\".to_vec());
    let line = prop_oneof![5 => written, 3 => wild, 1 => comment, 1 => Just(Vec::new())];
    let value = prop_oneof!["[ -~]{0,6}", "[ =:#!\\\\\tä𝄞\n\u{1}x]{0,5}"];
    let key = select(&PROPERTIES[..]).prop_map(|key| ("", key));
    cases(file(line), btree_map(key, option::weighted(0.75, value), 0..5))
}

fn properties_wish(key: &str, value: Option<&str>) -> String {
    // as a text, and as the value of a secret
    let text = value.map(|it| [Piece::Text(it.to_owned())]);
    let secret = value.map(|it| [Piece::Token(in_slot(Encoding::Properties, it).unwrap())]);
    let line = |value: Option<[Piece; 1]>| {
        let value = value.as_ref().map(|it| &it[..]);
        properties_line(key, " = ", value, Span::default()).unwrap().as_str().to_owned()
    };
    let (line, other) = (line(text), line(secret));
    assert_eq!(line.trim_end(), other.trim_end());
    line
}

#[test]
fn properties_are_what_java_reads_and_every_other_byte_stays() {
    let cases = properties_cases();
    for awk in AWKS {
        let folder = run("properties", awk, &cases, properties_wish);
        for (at, case) in cases.iter().enumerate() {
            assert_kept(&folder, awk, at, case);
            for (name, wishes) in ["once", "others"].into_iter().zip(&case.wishes) {
                let after = place(&folder, at, name);
                let told = || format!("{awk}: {}: {case:?}", after.escape_ascii());
                for ((_, key), value) in wishes {
                    assert_eq!(properties::get(&after, key), *value, "{key} in {}", told());
                }
                let wanted: BTreeSet<Vec<u16>> =
                    wishes.keys().map(|(_, key)| key.encode_utf16().collect()).collect();
                let rest = |bytes: &[u8]| -> Vec<_> {
                    let all = properties::load(bytes).into_iter();
                    all.filter(|(key, _)| !wanted.contains(key) && !key.is_empty()).collect()
                };
                assert_eq!(rest(&after), rest(&case.before), "{}", told());
            }
        }
    }
}

const INI: [(&str, &str); 7] =
    [("", "g"), ("", "a"), ("a", "a"), ("a", "b b"), ("b", "a"), ("b", "c"), ("new", "a")];

fn ini_cases() -> Vec<Case> {
    let key = (
        select(vec!["", "", "  ", "\t"]),
        select(vec!["a", "b b", "c", "g", "A"]),
        select(vec!["=", " = ", ":", " :  ", "\t="]),
        atoms(&[b"v", b" ", b"\xe9", b"\xc3\xa4", b"=", b" ; ", b"%", b"\\"], 4),
    )
        .prop_map(|(indent, key, sign, value)| {
            [indent.as_bytes(), key.as_bytes(), sign.as_bytes(), &value].concat()
        });
    let other = select(vec![
        "[a]",
        "[b]",
        "[a] # c",
        "  [b]",
        " [ a ]",
        "",
        "",
        "# [a]",
        "  ; a = 1",
        "      deep = er",
        "   ",
    ]);
    let line = prop_oneof![3 => key, 3 => other.prop_map(|it| it.as_bytes().to_vec())];
    let wish =
        btree_map(select(&INI[..]), option::weighted(0.75, "([!-~]([ -~]{0,4}[!-~])?)?"), 0..5);
    cases(file(line), wish)
}

fn ini_wish(key: &str, value: Option<&str>) -> String {
    let value = value.map(|it| [Piece::Text(it.to_owned())]);
    let value = value.as_ref().map(|it| &it[..]);
    ini_line(key, " = ", value, Span::default()).unwrap().as_str().to_owned()
}

/// What Python finds in each file of each case, keys before the first section in one called `<`.
const PYTHON: &str = r"
import configparser, glob, json, sys
found = {}
for path in glob.glob(sys.argv[1] + '/*/*'):
    name = path[len(sys.argv[1]) + 1:]
    if name.split('/')[1] in ('before', 'once', 'others'):
        parser = configparser.RawConfigParser(strict=False, default_section='>')
        parser.optionxform = str
        parser.read_string('[<]\n' + open(path, encoding='latin-1').read())
        found[name] = [[s, k, v] for s in parser.sections() for k, v in parser.items(s)]
print(json.dumps(found))
";

type Found = BTreeMap<String, Vec<(String, String, String)>>;

#[test]
fn ini_files_are_what_python_reads_and_every_other_byte_stays() {
    let cases = ini_cases();
    for awk in AWKS {
        let folder = run("ini", awk, &cases, ini_wish);
        let mut python = Command::new("python3");
        let done = python.args(["-c", PYTHON]).arg(folder.path().join("cases")).output().unwrap();
        assert!(done.status.success(), "{}", said(&done));
        let found: Found = serde_json::from_slice(&done.stdout).unwrap();
        for (at, case) in cases.iter().enumerate() {
            assert_kept(&folder, awk, at, case);
            for (name, wishes) in ["once", "others"].into_iter().zip(&case.wishes) {
                let told =
                    || format!("{awk}: {}: {case:?}", place(&folder, at, name).escape_ascii());
                let wish = |section: &str, key: &str| {
                    let section = if section == "<" { "" } else { section };
                    wishes.iter().find(|((of, it), _)| (*of, *it) == (section, key))
                };
                let after = &found[&format!("{at:03}/{name}")];
                for ((section, key), value) in wishes {
                    let section = if section.is_empty() { "<" } else { section };
                    let there = after.iter().find(|(of, it, _)| of == section && it == key);
                    let there = there.map(|it| it.2.as_str());
                    assert_eq!(there, value.as_deref(), "{section} {key} in {}", told());
                }
                let rest = |name: &str| -> BTreeSet<_> {
                    let all = &found[&format!("{at:03}/{name}")];
                    all.iter().filter(|(of, key, _)| wish(of, key).is_none()).collect()
                };
                assert_eq!(rest(name), rest("before"), "{}", told());
            }
        }
    }
}
