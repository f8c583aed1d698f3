//! cargo, run by this program: which one, for which profile, and how far it is.

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    path::PathBuf,
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::Command,
};

use crate::{
    command::{Group, on_path},
    progress::Step,
};

/// Programs by the names of their binaries.
pub(crate) type Programs = BTreeMap<String, PathBuf>;

/// The profile of what runs here. This program is built with it too, so that their dependencies are compiled once.
pub(crate) const PROFILE: &str = "local";

/// How much of what the compiler prints is kept for an error.
const DIAGNOSTIC_LINES: usize = 200;

/// `cargo`, as it called this program or as it is on PATH.
pub(crate) fn cargo() -> Option<PathBuf> {
    let calling = env::var_os("CARGO").map(PathBuf::from);
    calling
        .filter(|cargo| cargo.exists())
        .or_else(|| on_path(&["cargo"]))
}

/// What `cargo run` says of this package must not reach other packages' builds, or they are built twice.
pub(crate) fn forget_own_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

/// Runs a command of cargo that compiles, shows how far it is, and returns the binaries that are not tests.
///
/// # Errors
/// When it does not compile; the error has what the compiler printed.
pub(crate) async fn compile(command: &mut Command, step: &Step) -> Result<Programs> {
    step.at("reading the manifests");
    command
        .arg("--message-format=json-render-diagnostics")
        // Cargo counts what there is to do, and shows it on a terminal alone unless it is asked to.
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "200")
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    forget_own_package(command);
    let mut child = command.spawn().context("starting cargo")?;
    let group = Group(child.id());
    let stdout = child.stdout.take().context("cargo has no output")?;
    let stderr = child.stderr.take().context("cargo has no output")?;
    let (programs, diagnostics) = tokio::try_join!(programs(stdout), diagnostics(stderr, step))?;
    let status = child.wait().await?;
    group.ended();
    if !status.success() {
        bail!("compiling failed:\n{diagnostics}");
    }
    Ok(programs)
}

#[derive(Deserialize)]
struct Artifact {
    target: Target,
    profile: Profile,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

async fn programs(messages: impl AsyncRead + Unpin) -> Result<Programs> {
    let mut programs = Programs::new();
    let mut lines = BufReader::new(messages).lines();
    while let Some(line) = lines.next_line().await? {
        programs.extend(program(&line));
    }
    Ok(programs)
}

/// The program that a message of cargo announces. Messages of other kinds have other fields.
fn program(message: &str) -> Option<(String, PathBuf)> {
    let artifact: Artifact = serde_json::from_str(message).ok()?;
    let is_program = !artifact.profile.test && artifact.target.kind == ["bin"];
    Some((artifact.target.name, artifact.executable?)).filter(|_| is_program)
}

/// Shows each state of cargo's progress bar; returns the end of everything else.
async fn diagnostics(mut printed: impl AsyncRead + Unpin, step: &Step) -> Result<String> {
    let mut lines = VecDeque::new();
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = printed.read(&mut buffer).await?;
        let ended = read == 0;
        for byte in buffer[..read].iter().chain(ended.then_some(&b'\n')) {
            if !matches!(byte, b'\r' | b'\n') {
                line.push(*byte);
                continue;
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if let Some(position) = position(&text) {
                step.at(position);
            } else if !text.is_empty() {
                if text.trim_start().starts_with("Blocking") {
                    step.at("waiting for another cargo");
                }
                if lines.len() == DIAGNOSTIC_LINES {
                    lines.pop_front();
                }
                lines.push_back(text);
            }
        }
        if ended {
            return Ok(Vec::from(lines).join("\n"));
        }
    }
}

/// What cargo's progress bar says: `Building [==>  ] 120/536: serde, tokio`.
fn position(line: &str) -> Option<String> {
    let (bar, rest) = line.trim_start().split_once("] ")?;
    bar.strip_prefix("Building [")?;
    let (count, crates) = rest.split_once(": ").unwrap_or((rest, ""));
    let (done, all) = count.split_once('/')?;
    let (done, all): (u32, u32) = (done.trim().parse().ok()?, all.trim().parse().ok()?);
    Some(match crates.trim() {
        "" => format!("compiled {done} of {all}"),
        crates => format!("compiled {done} of {all}, now {crates}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;

    #[test]
    fn a_progress_bar_says_how_far_the_compiler_is() {
        for (line, said) in [
            (
                "    Building [====>      ] 120/536: serde, tokio(build)...",
                Some("compiled 120 of 536, now serde, tokio(build)..."),
            ),
            ("    Building [=] 1/2", Some("compiled 1 of 2")),
            ("   Compiling serde v1.0.229", None),
            ("error[E0308]: mismatched types [x] 1/2", None),
        ] {
            assert_eq!(position(line).as_deref(), said, "{line}");
        }
    }

    #[test]
    fn the_programs_are_the_binaries_that_are_no_tests() {
        let message = |kind: &str, test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["{kind}"],"name":"etl"}},
                "profile":{{"test":{test}}},"executable":"/target/local/etl"}}"#
            )
        };
        assert!(program(&message("bin", false)).is_some());
        assert!(program(&message("bin", true)).is_none());
        assert!(program(&message("test", true)).is_none());
        assert!(program(r#"{"reason":"build-finished","success":true}"#).is_none());
    }

    #[tokio::test]
    async fn an_error_keeps_the_end_of_what_the_compiler_printed() {
        let step = Progress::default().step("test");
        let printed = (0..300).map(|line| format!("line {line}\r\n"));
        let printed = printed.collect::<String>() + "  Building [>] 1/2: a\rthe last";
        let kept = diagnostics(printed.as_bytes(), &step).await.unwrap();
        assert!(kept.starts_with("line 101\n"), "{kept}");
        assert!(kept.ends_with("line 299\nthe last"), "{kept}");
    }
}
