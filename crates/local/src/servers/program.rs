use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use nix::unistd::{getgid, getuid};
use tokio::process::Command;

use super::need::Need;
use crate::{data::DataDirectory, process::Launch};

/// A server's program: one on this machine, or one in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// A path.
    Native(PathBuf),
    /// An entry point in an image. It shares the network and, at the same path, the data directory with this machine, so
    /// that it takes the arguments that a native program takes.
    Image {
        /// The path of `docker`.
        docker: PathBuf,
        /// The image.
        image: &'static str,
        /// The program in it.
        entry_point: &'static str,
    },
}

/// A program and where it came from, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provided {
    /// The program.
    pub(crate) program: Program,
    /// `PATH`, `apt-get`, an image's name …
    pub(crate) source: String,
}

impl Provided {
    pub(super) fn native(program: impl Into<PathBuf>, source: &str) -> Self {
        Self {
            program: Program::Native(program.into()),
            source: source.to_owned(),
        }
    }

    /// From the image of a server.
    pub(super) fn image(docker: &Path, need: Need) -> Self {
        let (image, entry_point) = need.sources().image;
        Self {
            program: Program::Image {
                docker: docker.to_owned(),
                image,
                entry_point,
            },
            source: format!("Docker, {image}"),
        }
    }
}

impl Program {
    /// The program `name` of the same origin: beside a native one, in the same image.
    pub(super) fn sibling(&self, name: &'static str) -> Self {
        match self {
            Self::Native(path) => Self::Native(path.with_file_name(name)),
            Self::Image { docker, image, .. } => Self::Image {
                docker: docker.clone(),
                image,
                entry_point: name,
            },
        }
    }

    /// The program as a server.
    pub(super) fn launch(
        &self,
        name: &'static str,
        arguments: Vec<OsString>,
        data: &DataDirectory,
    ) -> Launch {
        let (program, leading) = self.command_line(name, data);
        Launch {
            name,
            program,
            arguments: leading.into_iter().chain(arguments).collect(),
            environment: Vec::new(),
            log: data.log(name),
            run: data.run(),
        }
    }

    /// The program as something that ends by itself.
    pub(super) fn command(&self, name: &str, data: &DataDirectory) -> Command {
        let (program, leading) = self.command_line(name, data);
        let mut command = Command::new(program);
        command.args(leading);
        command
    }

    fn command_line(&self, name: &str, data: &DataDirectory) -> (PathBuf, Vec<OsString>) {
        match self {
            Self::Native(path) => (path.clone(), Vec::new()),
            Self::Image {
                docker,
                image,
                entry_point,
            } => {
                let root = data.root().as_os_str().to_owned();
                let mut mount = root.clone();
                mount.push(":");
                mount.push(root);
                let mut arguments: Vec<OsString> = [
                    "run",
                    "--rm",
                    "--network=host",
                    "--init",
                    &format!("--name={}", container(name, data)),
                    &format!("--user={}:{}", getuid(), getgid()),
                    &format!("--entrypoint={entry_point}"),
                    "--volume",
                ]
                .map(OsString::from)
                .to_vec();
                arguments.push(mount);
                arguments.push((*image).into());
                (docker.clone(), arguments)
            }
        }
    }

    /// Removes what a killed `up` left in the engine under the name of this server.
    pub(super) async fn remove_leftover(&self, name: &str, data: &DataDirectory) {
        if let Self::Image { docker, .. } = self {
            let mut command = Command::new(docker);
            command.args(["rm", "--force", &container(name, data)]);
            let _ = command.output().await;
        }
    }
}

fn container(name: &str, data: &DataDirectory) -> String {
    format!("slacast-{}-{name}", data.fingerprint())
}
