//! Programs of Prometheus that tests run: on PATH, else where `cargo local test` put those that it downloaded.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// Where a program is.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut on_path = env::split_paths(&path).map(|directory| directory.join(name));
    if let Some(found) = on_path.find(|program| program.is_file()) {
        return found;
    }
    let software = env::var_os("LOCAL_SOFTWARE").map(PathBuf::from);
    let found = software.and_then(|software| below(&software, name));
    found.unwrap_or_else(|| panic!("there is no {name}: Debian's package prometheus has it"))
}

fn below(directory: &Path, name: &str) -> Option<PathBuf> {
    let entries = directory.read_dir().ok()?.filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let (directories, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let is_it = |path: &PathBuf| path.file_name().is_some_and(|own| own == name);
    let found = files.into_iter().find(is_it);
    found.or_else(|| directories.iter().find_map(|path| below(path, name)))
}

/// What a program says to an input.
pub(crate) fn said(name: &str, arguments: &[&str], input: &str) -> Output {
    let mut process = Command::new(program(name))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    process.wait_with_output().unwrap()
}
