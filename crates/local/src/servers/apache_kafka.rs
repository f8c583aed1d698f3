//! Apache Kafka as broker and controller in one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use tokio::process::Command;

use super::{PATIENCE, emptied};
use crate::{command::run, data::DataDirectory, files, process::Launch};

/// Where a broker listens, and whom it lets in.
pub(super) struct Listener {
    port: u16,
    /// `None`: everybody.
    login: Option<Login>,
}

/// The one user that a broker lets in, by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
struct Login {
    user: &'static str,
    password: String,
    /// Where it listens with TLS besides.
    tls_port: u16,
    /// Key and certificate in PEM.
    key_store: PathBuf,
}

const SCRAM: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

impl Listener {
    /// For everybody.
    pub(super) fn open(port: u16) -> Self {
        Self { port, login: None }
    }

    /// For one user, at `port` without TLS and at `tls_port` with the key and certificate of `key_store`.
    pub(super) fn for_user(
        port: u16,
        user: &'static str,
        password: String,
        tls_port: u16,
        key_store: PathBuf,
    ) -> Self {
        let login = Some(Login {
            user,
            password,
            tls_port,
            key_store,
        });
        Self { port, login }
    }

    fn properties(&self, controller: u16) -> String {
        let port = self.port;
        let (own, protocols, inner) = match &self.login {
            None => (
                format!("PLAINTEXT://127.0.0.1:{port}"),
                "PLAINTEXT:PLAINTEXT",
                "PLAINTEXT",
            ),
            Some(login) => (
                format!(
                    "SASL_PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{}",
                    login.tls_port
                ),
                "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
                "SASL_PLAINTEXT",
            ),
        };
        let addresses = format!("{own},CONTROLLER://127.0.0.1:{controller}");
        let text = format!(
            "listeners={addresses}\n\
             advertised.listeners={addresses}\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocols}\n\
             inter.broker.listener.name={inner}\n"
        );
        let login = self.login.as_ref().map(Login::properties);
        text + &login.unwrap_or_default()
    }
}

impl Login {
    fn properties(&self) -> String {
        let (user, password) = (self.user, &self.password);
        let mut text = format!(
            "sasl.enabled.mechanisms=PLAIN,{}\n\
             sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512\n\
             ssl.keystore.type=PEM\n\
             ssl.keystore.location={}\n",
            SCRAM.join(","),
            self.key_store.display(),
        );
        for listener in ["sasl_plaintext", "sasl_ssl"] {
            for mechanism in SCRAM.map(str::to_lowercase) {
                text += &format!(
                    "listener.name.{listener}.{mechanism}.sasl.jaas.config=\
                     org.apache.kafka.common.security.scram.ScramLoginModule required \
                     username=\"{user}\" password=\"{password}\";\n"
                );
            }
            text += &format!(
                "listener.name.{listener}.plain.sasl.jaas.config=\
                 org.apache.kafka.common.security.plain.PlainLoginModule required \
                 user_{user}=\"{password}\";\n"
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
        if let Some(Login { user, password, .. }) = &listener.login {
            for mechanism in SCRAM {
                let user = format!("{mechanism}=[name={user},password={password}]");
                format.args(["--add-scram", &user]);
            }
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
