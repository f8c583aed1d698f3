use std::{
    ffi::OsString,
    io::{Write, stdout},
    path::{Path, PathBuf},
    pin::pin,
    process::{ExitCode, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    time::timeout,
};

use super::servers;
use crate::{
    command::Group,
    compile::{PROFILE, Programs, cargo, compile, forget_own_package},
    data::DataDirectory,
    functions,
    process::stop_all,
    progress::Progress,
    servers::ServerPrograms,
    signals::Signals,
    template::Template,
};

/// Tests that print nothing for so long wait for what never comes: the slowest one ends within minutes.
const SILENCE: Duration = Duration::from_mins(15);
/// How long what the tests printed last is waited for, which whoever they left behind may hold open.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
    let selection = Selection::of(arguments);
    let progress = Progress::default();
    // Whatever has to be compiled is, before a server runs.
    let (server_programs, functions) = tokio::try_join!(
        ServerPrograms::provide(software, true, &progress),
        compiled(&cargo, root, &selection, &progress),
    )?;
    let servers = servers::start(data, software, &server_programs, true, &progress).await?;
    let mut command = selection.command(&cargo, root);
    command.args(selection.of_tests).envs(&servers.variables);
    if let Some(directory) = functions {
        command.env(functions::PROGRAMS_VARIABLE, directory);
    }
    forget_own_package(&mut command);
    let status = watched(&mut command, SILENCE).await?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// Runs tests to their end and shows what they print, unless that is nothing for too long.
async fn watched(command: &mut Command, silence: Duration) -> Result<ExitStatus> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0);
    let mut tests = command.spawn().context("starting cargo test")?;
    let group = Group(tests.id());
    let printed = tests.stdout.take().context("cargo test has no output")?;
    let mut shown = pin!(show(printed, stdout(), silence));
    let status = tokio::select! {
        shown = &mut shown => {
            shown?;
            tests.wait().await
        }
        status = tests.wait() => {
            let _ = timeout(LAST_WORDS, shown).await;
            status
        }
    };
    group.ended();
    status.context("waiting for cargo test")
}

/// Shows what is printed until its end.
///
/// # Errors
/// When nothing is printed for too long.
async fn show(
    mut printed: impl AsyncRead + Unpin,
    mut to: impl Write,
    silence: Duration,
) -> Result<()> {
    let mut buffer = [0; 8192];
    loop {
        let Ok(read) = timeout(silence, printed.read(&mut buffer)).await else {
            bail!(
                "no test ended for {} minutes, so they are stopped; those that have been running for over 60 seconds are \
                 named above",
                silence.as_secs() / 60
            );
        };
        match read.context("reading what the tests print")? {
            0 => return Ok(()),
            length => to.write_all(&buffer[..length])?,
        }
        to.flush()?;
    }
}

/// Compiles the tests, and the functions where tests run them. Returns where these are.
async fn compiled(
    cargo: &Path,
    root: &Path,
    selection: &Selection<'_>,
    progress: &Progress,
) -> Result<Option<PathBuf>> {
    let mut programs = Programs::new();
    // Documentation's examples are compiled when they run.
    if !selection.has("--doc") {
        let step = progress.step("tests");
        let mut command = selection.command(cargo, root);
        if !selection.has("--no-run") {
            command.arg("--no-run");
        }
        programs = compile(&mut command, &step).await?;
        step.done("compiled");
    }
    if !selection.includes("local") {
        return Ok(None);
    }
    let template = Template::read(&root.join("template.yaml"))?;
    let mut names = template.functions.iter().map(|function| &function.name);
    if !names.all(|name| programs.contains_key(name)) {
        programs = functions::build(root, &template, progress).await?;
    }
    let directory = programs.values().find_map(|program| program.parent());
    Ok(directory.map(Path::to_owned))
}

/// What `cargo test` is asked for: arguments of cargo's, and those of the tests' programs.
struct Selection<'a> {
    of_cargo: &'a [OsString],
    of_tests: &'a [OsString],
}

impl<'a> Selection<'a> {
    fn of(arguments: &'a [OsString]) -> Self {
        let end = arguments.iter().position(|argument| argument == "--");
        let (of_cargo, of_tests) = arguments.split_at(end.unwrap_or(arguments.len()));
        Self { of_cargo, of_tests }
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.of_cargo.iter().filter_map(|word| word.to_str())
    }

    fn has(&self, option: &str) -> bool {
        self.words().any(|word| word == option)
    }

    fn chooses(&self, options: &[&str]) -> bool {
        self.words()
            .any(|word| options.iter().any(|option| word.starts_with(option)))
    }

    /// Whether a package's tests are among those that run.
    fn includes(&self, package: &str) -> bool {
        !self.chooses(&["-p", "--package"])
            || self.words().any(|word| {
                word.trim_start_matches("--package=")
                    .trim_start_matches("-p")
                    == package
            })
    }

    /// `cargo test` without the arguments of the tests' programs.
    fn command(&self, cargo: &Path, root: &Path) -> Command {
        let mut command = Command::new(cargo);
        command.arg("test").current_dir(root);
        if !self.chooses(&["--profile", "--release", "-r"]) {
            command.args(["--profile", PROFILE]);
        }
        if !self.chooses(&["-p", "--package", "--workspace", "--all"]) {
            command.arg("--workspace");
        }
        command.args(self.of_cargo);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tests_that_print_nothing_any_more_are_stopped_and_others_end_as_they_end() {
        let run = |script: &str, silence| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            async move { watched(&mut command, silence).await }
        };
        let patience = Duration::from_mins(1);
        assert!(run("echo ok", patience).await.unwrap().success());
        assert_eq!(run("exit 101", patience).await.unwrap().code(), Some(101));
        // A process that outlives the tests holds their output.
        assert!(run("sleep 5 & echo ok", patience).await.unwrap().success());
        let stopped = run("sleep 60 | cat", Duration::from_millis(50)).await;
        let reason = stopped.unwrap_err().to_string();
        assert!(reason.starts_with("no test ended"), "{reason}");
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn the_workspace_is_tested_as_it_runs_here_unless_something_else_is_chosen() {
        for (line, asked) in [
            ("", "test --profile local --workspace"),
            ("-p series", "test --profile local -p series"),
            ("--package=series", "test --profile local --package=series"),
            ("name --release", "test --workspace name --release"),
            ("name -- -p", "test --profile local --workspace name"),
        ] {
            let arguments = words(line);
            let command = Selection::of(&arguments).command(Path::new("cargo"), Path::new("/"));
            let told: Vec<_> = command.as_std().get_args().collect();
            assert_eq!(told, words(asked), "{line}");
        }
    }

    #[test]
    fn functions_are_built_for_the_tests_that_run_them() {
        for (line, includes) in [
            ("", true),
            ("name", true),
            ("-p local", true),
            ("-plocal", true),
            ("--package=local --test it", true),
            ("-p series", false),
            ("-p series -- local", false),
        ] {
            let arguments = words(line);
            assert_eq!(
                Selection::of(&arguments).includes("local"),
                includes,
                "{line}"
            );
        }
    }
}
