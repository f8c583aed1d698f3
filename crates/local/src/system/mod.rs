//! The whole system, from servers to triggers: started, told of, stopped.

mod host;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use event_sources::{
    Invoker, KafkaTrigger, KafkaTriggerSettings, KafkaTriggerWatch, Schedule, ScheduleExpression,
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::{
    cli::UpOptions,
    compile::Programs,
    control::Control,
    data::DataDirectory,
    demo::Node,
    files, functions,
    process::Supervised,
    progress::Progress,
    servers::{ServerPrograms, Servers, Wanted},
    state::State,
    template::Template,
};

/// Everything `up` runs beside the processes that are written down in the data directory.
#[derive(Debug)]
pub(crate) struct System {
    /// Where the routes and the Invoke API are.
    pub(crate) http: String,
    /// Whether there is a demo node.
    pub(crate) demo: bool,
    /// The servers.
    pub(crate) servers: Servers,
    /// Invokes the functions.
    pub(crate) invoker: Invoker,
    /// The function that runs the ETL.
    pub(crate) runner: String,
    control: Control,
    control_task: JoinHandle<()>,
    sources: Vec<JoinHandle<()>>,
    stop_sources: watch::Sender<bool>,
    triggers: Vec<KafkaTriggerWatch>,
    _watch: Option<Supervised>,
}

const PARTITIONS: i32 = 4;

impl System {
    /// Starts everything and writes it down in the data directory. Dropped half-way, it leaves behind only what is
    /// written down there.
    ///
    /// # Errors
    /// When the port is taken, a server cannot be had, or the functions do not compile.
    pub(crate) async fn start(
        options: &UpOptions,
        data: &DataDirectory,
        root: &Path,
        progress: &Progress,
    ) -> Result<Self> {
        let template = Template::read(&root.join("template.yaml"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        TcpListener::bind(address)
            .with_context(|| format!("{address} is not free; choose another one with --port"))?;
        let http = format!("http://{address}");
        let control_port = data.port("control")?;
        let (control, control_task) =
            Control::start(control_port, data.path("spikes.json")).await?;
        let wanted = Wanted {
            demo_port: (!options.no_demo).then_some(control_port),
            tests: false,
        };
        let topic = functions::topic(&template);
        let runner = template.runner();
        let runner = runner
            .context("no function of the template has the route /ETL")?
            .to_owned();
        let software = data.path("software");
        let programs = async {
            match options.watch {
                true => {
                    functions::build_for_watch(root, &template, progress).await?;
                    Ok(Programs::new())
                }
                false => functions::build(root, &template, progress).await,
            }
        };
        // Nothing runs while the compiler needs the machine.
        let (server_programs, programs) = tokio::try_join!(
            ServerPrograms::provide(&software, false, progress),
            programs
        )?;
        let mut servers = Servers::start(data, &server_programs, wanted, progress).await?;
        servers
            .start_alertmanager(data, &server_programs, progress)
            .await;
        if let Some(began) = servers.demo_began {
            control.show_node(Node::new(began));
        }
        let schema = async {
            let loaded = store::schema::load(&servers.database_url).await;
            loaded.context("preparing the database's schema")
        };
        tokio::try_join!(schema, servers.create_topic(&topic, PARTITIONS))?;
        let environment =
            functions::environment(root, data, &template, &servers, &http, options.every)?;
        let environment_file = data.path("functions.env");
        files::write(
            &environment_file,
            &functions::environment_file(&environment),
        )?;
        let watch = if options.watch {
            let launch = host::watching(address, &environment_file, data, root)?;
            Some(host::built_by_watch(launch, &http, progress).await?)
        } else {
            let host = host::built(address, &template, programs, &environment, data).await?;
            control.keep_host(host);
            None
        };
        let invoker = Invoker::new(&http)?;
        let (stop_sources, stopped) = watch::channel(false);
        let (sources, triggers) = sources(
            options,
            &template,
            &servers,
            (&topic, &runner),
            &invoker,
            &stopped,
        )?;
        let demo = servers.demo_began.is_some();
        let system = Self {
            http,
            demo,
            control,
            control_task,
            sources,
            stop_sources,
            triggers,
            _watch: watch,
            servers,
            invoker,
            runner,
        };
        data.write_state(&State {
            pid: std::process::id(),
            http: system.http.clone(),
            database_url: system.servers.database_url.clone(),
            kafka_brokers: system.servers.kafka_brokers.clone(),
            kafka_topic: topic,
            prometheus_url: system.servers.prometheus_url.clone(),
            control: format!("http://127.0.0.1:{control_port}"),
            every_seconds: options.every.as_secs(),
            demo,
            functions: template.functions.into_iter().map(|f| f.name).collect(),
            servers: system.servers.states(),
        })?;
        Ok(system)
    }

    /// Waits until every Kafka trigger polls its partitions.
    ///
    /// # Errors
    /// When one does not get that far.
    pub(crate) async fn triggers_ready(&self) -> Result<()> {
        for trigger in &self.triggers {
            timeout(Duration::from_secs(60), trigger.ready())
                .await
                .map_err(|_| anyhow!("the Kafka trigger has no partitions after 60 s"))?;
        }
        Ok(())
    }

    /// Stops the event sources, which finish what they have in flight, then the functions. The servers are left to
    /// whoever stops what is written down in the data directory.
    pub(crate) async fn stop(self) {
        // Sources that have ended already listen no more.
        let _ = self.stop_sources.send(true);
        for source in self.sources {
            let aborted = source.abort_handle();
            if timeout(Duration::from_secs(10), source).await.is_err() {
                aborted.abort();
            }
        }
        if let Some(host) = self.control.take_host() {
            host.shutdown().await;
        }
        self.control_task.abort();
    }
}

/// Runs the schedule and the Kafka trigger of the template.
fn sources(
    options: &UpOptions,
    template: &Template,
    servers: &Servers,
    (topic, runner): (&str, &str),
    invoker: &Invoker,
    stopped: &watch::Receiver<bool>,
) -> Result<(Vec<JoinHandle<()>>, Vec<KafkaTriggerWatch>)> {
    let (mut tasks, mut watches) = (Vec::new(), Vec::new());
    for trigger in &template.kafka_triggers {
        let mut settings = KafkaTriggerSettings::new(
            trigger.function.clone(),
            servers.kafka_brokers.clone(),
            topic.to_owned(),
            trigger.group.clone(),
        );
        settings.batch_size = trigger.batch_size;
        settings.batching_window = trigger.window;
        settings.client_properties = kafka::settings(&servers.kafka);
        let source = KafkaTrigger::new(settings, invoker.clone())?;
        watches.push(source.watch());
        tasks.push(tokio::spawn(source.run(told(stopped.clone()))));
    }
    for schedule in &template.schedules {
        // How often the ETL runs is asked for; other schedules are those of the template.
        let expression = match schedule.function == runner {
            true => ScheduleExpression::every(options.every),
            false => schedule.expression.parse()?,
        };
        let source = Schedule::new("schedule", expression, schedule.function.clone());
        tasks.push(tokio::spawn(
            source.run(invoker.clone(), told(stopped.clone())),
        ));
    }
    Ok((tasks, watches))
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone has nothing more to say: that is a stop as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
