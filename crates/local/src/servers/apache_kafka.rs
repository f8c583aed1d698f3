//! Apache Kafka as broker and controller in one.

use std::{fs, path::Path};

use anyhow::Result;
use tokio::process::Command;

use super::{PATIENCE, emptied};
use crate::{command::run, data::DataDirectory, files, process::Launch};

/// Where a broker listens, and whom it lets in.
pub(super) struct Listener {
    port: u16,
    /// User and password, for SASL/SCRAM-SHA-512; `None`: everybody.
    user: Option<(&'static str, String)>,
}

impl Listener {
    /// For everybody.
    pub(super) fn open(port: u16) -> Self {
        Self { port, user: None }
    }

    /// For one user.
    pub(super) fn for_user(port: u16, name: &'static str, password: String) -> Self {
        let user = Some((name, password));
        Self { port, user }
    }

    fn protocol(&self) -> &'static str {
        match self.user {
            None => "PLAINTEXT",
            Some(_) => "SASL_PLAINTEXT",
        }
    }

    fn properties(&self, controller: u16) -> String {
        let (port, protocol) = (self.port, self.protocol());
        let addresses =
            format!("{protocol}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
        let mut text = format!(
            "listeners={addresses}\n\
             advertised.listeners={addresses}\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocol}:{protocol}\n\
             inter.broker.listener.name={protocol}\n"
        );
        if let Some((name, password)) = &self.user {
            text += &format!(
                "sasl.enabled.mechanisms=SCRAM-SHA-512\n\
                 sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512\n\
                 listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=\
                 org.apache.kafka.common.security.scram.ScramLoginModule required \
                 username=\"{name}\" password=\"{password}\";\n"
            );
        }
        text
    }
}

/// A broker called `name`, whose log directory, of the same name, is formatted at its first start.
pub(super) async fn launch(
    name: &'static str,
    data: &DataDirectory,
    java: &Path,
    libraries: &Path,
    listener: &Listener,
) -> Result<Launch> {
    let controller = data.port(&format!("{name}-controller"))?;
    let class_path = format!("{}/*", libraries.display());
    let logs = data.path(name);
    let properties = |directory: &Path| {
        let listeners = listener.properties(controller);
        format!(
            "{listeners}\
             process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
             controller.listener.names=CONTROLLER\n\
             log.dirs={}\n\
             auto.create.topics.enable=false\n\
             offsets.topic.num.partitions=1\n\
             offsets.topic.replication.factor=1\n\
             transaction.state.log.num.partitions=1\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\n",
            directory.display()
        )
    };
    let file = data.path(&format!("{name}.properties"));
    if !logs.exists() {
        let partial = emptied(data.root(), &format!("{name}.partial"))?;
        files::write(&file, &properties(&partial))?;
        let mut format = Command::new(java);
        format
            .args(["-cp", &class_path, "kafka.tools.StorageTool", "format"])
            .args(["--standalone", "-t", &cluster_id(), "-c"])
            .arg(&file);
        if let Some((user, password)) = &listener.user {
            let user = format!("SCRAM-SHA-512=[name={user},password={password}]");
            format.args(["--add-scram", &user]);
        }
        run(&mut format, PATIENCE).await?;
        fs::rename(partial, &logs)?;
    }
    files::write(&file, &properties(&logs))?;
    Ok(Launch {
        name,
        program: java.to_owned(),
        arguments: [
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-cp",
            &class_path,
            "kafka.Kafka",
        ]
        .into_iter()
        .map(Into::into)
        .chain([file.into_os_string()])
        .collect(),
        environment: Vec::new(),
        log: data.log(name),
        run: data.run(),
    })
}

/// 128 random bits as Kafka writes them: 22 digits of base 64, the last of which has two bits alone.
fn cluster_id() -> String {
    let mut id = uuid::Uuid::new_v4().simple().to_string();
    id.truncate(21);
    id + "A"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_id_has_22_digits() {
        assert_eq!(cluster_id().len(), 22);
        assert_ne!(cluster_id(), cluster_id());
    }
}
