//! The floors of this crate: a module imports only what stands on the floors below it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The modules at the root, the ground first.
const FLOORS: [&str; 15] = [
    "text",
    "decimals",
    "digest",
    "finding",
    "fault",
    "time",
    "series",
    "sla",
    "forecast",
    "evaluation",
    "events",
    "budget",
    "score",
    "alert",
    "message",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| *floor == module)
}

/// The names that follow `crate::` in a file, from `crate::a::b` and from `crate::{a::b, c::{d, e}}`; comments are left
/// out.
fn imported(text: &str) -> Vec<String> {
    let code: Vec<&str> = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let code = code.join("\n");
    let mut names = Vec::new();
    for (position, _) in code.match_indices("crate::") {
        let rest = &code[position + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(first_name(rest));
            continue;
        };
        let (mut depth, mut is_start) = (0, true);
        for (offset, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => is_start = true,
                c if is_start && !c.is_whitespace() => {
                    names.push(first_name(&group[offset..]));
                    is_start = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn first_name(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn each_floor_imports_only_what_stands_below_it() {
    let mut found = Vec::new();
    files(&source(), &mut found);
    let mut seen = 0;
    for path in found {
        let inside = path.strip_prefix(source()).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap();
        let module = module.trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let floor = floor_of(module);
        let floor = floor.unwrap_or_else(|| panic!("{module} is on no floor"));
        for name in imported(&fs::read_to_string(&path).unwrap()) {
            let below = floor_of(&name);
            assert!(
                below.is_some_and(|below| below <= floor),
                "{} imports crate::{name}: name a module on a floor below {module}",
                inside.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 50, "only {seen} imports were found");
}

#[test]
fn imports_are_found_in_groups_and_alone() {
    let text =
        "use crate::{\n    a::{b, c},\n    d, // crate::e\n    f::g,\n};\nlet h = crate::i::j();";
    assert_eq!(imported(text), ["a", "d", "f", "i"]);
}
