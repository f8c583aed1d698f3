use std::{
    ffi::OsString,
    path::Path,
    process::{ExitCode, Stdio},
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::servers;
use crate::{
    data::DataDirectory,
    functions::{self, cargo, forget_own_package},
    process::stop_all,
    progress::Progress,
    signals::Signals,
    template::Template,
};

/// Runs the tests of the workspace on servers of their own, so that a running `up` is left alone.
///
/// # Errors
/// When a server cannot be had or the functions do not compile. The exit code is that of `cargo test`.
pub(crate) async fn test(
    data: &DataDirectory,
    root: &Path,
    arguments: &[OsString],
) -> Result<ExitCode> {
    let software = data.path("software");
    let data = DataDirectory::open(&data.path("test"))?;
    let mut signals = Signals::listen()?;
    let Some(lock) = data.lock()? else {
        bail!("another `test` is at work on {}", data.root().display());
    };
    lock.sign()?;
    stop_all(&data.run()).await?;
    let outcome = tokio::select! {
        outcome = tested(&data, &software, root, arguments) => outcome,
        () = signals.received() => Ok(ExitCode::FAILURE),
    };
    stop_all(&data.run()).await?;
    outcome
}

async fn tested(
    data: &DataDirectory,
    software: &Path,
    root: &Path,
    arguments: &[OsString],
) -> Result<ExitCode> {
    let cargo = cargo().context("cargo is not on PATH")?;
    let template = Template::read(&root.join("template.yaml"))?;
    let progress = Progress::default();
    let (servers, programs) = tokio::try_join!(
        servers::start(data, software, true, &progress),
        functions::build(root, &template, &progress),
    )?;
    let mut command = Command::new(cargo);
    command.arg("test");
    if !chooses_packages(arguments) {
        command.arg("--workspace");
    }
    command
        .args(arguments)
        .current_dir(root)
        .envs(&servers.variables)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for (name, program) in &programs {
        let variable = format!("{}_PROGRAM", name.to_uppercase());
        command.env(variable, program);
    }
    forget_own_package(&mut command);
    let status = command.status().await.context("running cargo test")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

fn chooses_packages(arguments: &[OsString]) -> bool {
    let own = arguments.iter().take_while(|argument| *argument != "--");
    own.filter_map(|argument| argument.to_str())
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tested_unless_packages_are_chosen() {
        for (line, chooses) in [
            ("", false),
            ("-p series", true),
            ("--package=series", true),
            ("name --release", false),
            ("-- -p", false),
        ] {
            let arguments: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
            assert_eq!(chooses_packages(&arguments), chooses, "{line}");
        }
    }
}
