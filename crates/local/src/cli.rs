use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::{commands, data::DataDirectory, output, soak::soak};

/// slacast on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo local", version)]
struct Arguments {
    /// Where everything is kept.
    #[arg(long, global = true, default_value = ".local", value_name = "DIR")]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the system in the foreground, until Ctrl-C.
    Up(UpOptions),
    /// Report what runs, and where.
    Status {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Invoke a function and print its answer.
    Invoke(InvokeOptions),
    /// Show what SLAs files of Sloth, Pyrra or OpenSLO become, and make them.
    Import(ImportOptions),
    /// Push a metric of the demo node out of its range.
    Spike {
        /// One of availableMem, cpuUsage, cpuTemp, totProcesses, networkThroughput; or errors: requests fail.
        metric: String,
        /// For how long: 3m, 90s.
        #[arg(value_parser = duration)]
        duration: Duration,
    },
    /// Show what functions and servers wrote.
    Logs {
        /// One of them; all if left out.
        name: Option<String>,
        /// Go on showing what comes.
        #[arg(long, short)]
        follow: bool,
    },
    /// Stop a running `up` and wait until it has ended.
    Down,
    /// Ask a Prometheus what it is, and what each metric of the metrics file would give.
    Check {
        /// Its address; if left out that of `PROMETHEUS_URL`, else of the running `up`.
        #[arg(long, value_name = "URL")]
        prometheus: Option<String>,
    },
    /// Run the servers alone in the foreground, until Ctrl-C, and print the variables by which they are found.
    Servers {
        /// With those that only tests need: AWS' APIs and a Kafka that asks for a login.
        #[arg(long)]
        tests: bool,
    },
    /// Run the whole system under load, break its parts, and check that nothing is lost and no answer is wrong.
    Soak(SoakOptions),
    /// Run the tests of the workspace on real servers.
    Test {
        /// Arguments of `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct UpOptions {
    /// Where the routes and the Invoke API listen on 127.0.0.1.
    #[arg(long, default_value_t = 9000, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
    /// How often the schedule runs the ETL, 1s to 1d.
    #[arg(long, default_value = "30s", value_parser = interval)]
    pub(crate) every: Duration,
    /// Without generated history, demo SLA and first run.
    #[arg(long)]
    pub(crate) no_demo: bool,
    /// With `cargo lambda watch` as the host: functions are built again when their source changes. It answers whatever the
    /// `Host` of a request is.
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SoakOptions {
    /// For how long.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub(crate) minutes: u64,
    /// How often something breaks.
    #[arg(long, default_value_t = 30)]
    pub(crate) faults: usize,
    /// Decides what breaks, and when.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InvokeOptions {
    /// The function: etl, storage, retrieval or sla.
    pub(crate) name: String,
    /// A file with the event; `-` reads it from stdin. Without it the event is `{}`.
    #[arg(long, value_name = "FILE")]
    pub(crate) data_file: Option<PathBuf>,
    /// Do not wait for the answer.
    #[arg(long)]
    pub(crate) event: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ImportOptions {
    /// Files, or directories whose *.yaml and *.yml are meant. All of them are read as one.
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
    /// Make the SLAs; without it nothing is saved.
    #[arg(long, conflicts_with = "diff")]
    pub(crate) apply: bool,
    /// Save nothing, and exit with 1 if an SLA would be new or change, else with 0.
    #[arg(long)]
    pub(crate) diff: bool,
    /// The window of SLOs whose format has none, which are Sloth's: 28d.
    #[arg(long, default_value = "30d", value_name = "DURATION")]
    pub(crate) window: String,
    /// Where the routes are; if left out those of the running `up`. The token is the first of `API_TOKENS` that may write.
    #[arg(long)]
    pub(crate) url: Option<String>,
}

/// Runs the command that the arguments, the program's name first, ask for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no failures.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let filter = EnvFilter::try_from_env("LOCAL_LOG").unwrap_or_else(|_| "warn".into());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would panic where stderr is a terminal that was closed.
        .log_internal_errors(false)
        .try_init();
    let outcome = tokio::runtime::Runtime::new()
        .context("starting the runtime")
        .and_then(|runtime| runtime.block_on(execute(arguments)));
    outcome.unwrap_or_else(|error| {
        let closed = error.downcast_ref::<io::Error>();
        if closed.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        output::note(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

async fn execute(arguments: Arguments) -> Result<ExitCode> {
    let data = DataDirectory::open(&arguments.data)?;
    match arguments.command {
        Command::Up(options) => commands::up(&options, &data, &repository()?).await,
        Command::Status { json } => commands::status(&data, json).await,
        Command::Invoke(options) => commands::invoke(&data, &options).await,
        Command::Import(options) => commands::import(&data, &options).await,
        Command::Spike { metric, duration } => commands::spike(&data, &metric, duration),
        Command::Logs { name, follow } => commands::logs(&data, name.as_deref(), follow).await,
        Command::Down => commands::down(&data).await,
        Command::Check { prometheus } => {
            commands::check(&data, &repository()?, prometheus.as_deref()).await
        }
        Command::Servers { tests } => commands::servers(&data, tests).await,
        Command::Soak(options) => soak(&data, &options).await,
        Command::Test { arguments } => commands::test(&data, &repository()?, &arguments).await,
    }
}

/// Where `template.yaml` is: here or above, else where this program was built.
fn repository() -> Result<PathBuf> {
    let here = env::current_dir().context("the current directory is gone")?;
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .chain(built.ancestors())
        .find(|directory| directory.join("template.yaml").exists())
        .map(Path::to_owned)
        .context("template.yaml is neither here nor above")
}

fn duration(text: &str) -> Result<Duration, String> {
    domain::duration::parse(text).map_err(|error| error.to_string())
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if (Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&interval) {
        Ok(interval)
    } else {
        Err(format!("`{text}` is not a duration from 1s to 1d"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_commands_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let Command::Up(up) = parsed("local up").unwrap().command else {
            panic!("up is not up");
        };
        assert_eq!((up.port, up.every), (9000, Duration::from_secs(30)));
        assert!(!up.no_demo && !up.watch);
        assert_eq!(parsed("local down").unwrap().data, Path::new(".local"));
    }

    #[test]
    fn the_data_directory_goes_before_or_after_the_command() {
        for line in ["local --data d status", "local status --data d"] {
            assert_eq!(parsed(line).unwrap().data, Path::new("d"));
        }
    }

    #[test]
    fn what_follows_test_is_cargos() {
        let arguments = parsed("local test -p series --release -- --nocapture").unwrap();
        let Command::Test { arguments } = arguments.command else {
            panic!("test is not test");
        };
        assert_eq!(
            arguments,
            ["-p", "series", "--release", "--", "--nocapture"]
        );
    }

    #[test]
    fn an_interval_or_a_port_out_of_range_is_refused() {
        for options in ["--every 0s", "--every 2d", "--every soon", "--port 0"] {
            assert!(parsed(&format!("local up {options}")).is_err(), "{options}");
        }
    }
}
