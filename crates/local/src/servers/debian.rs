//! Debian's packages: installed by root, unpacked by others.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use nix::unistd::geteuid;
use tokio::process::Command;

use super::{INSTALLING, emptied, program::Provided};
use crate::{
    command::{on_path, run, run_whole},
    progress::Progress,
};

/// For another apt-get to end, maybe one that an earlier `up` asked to.
const WAIT: &str = "DPkg::Lock::Timeout=120";

/// Installs the packages of Debian. A Ctrl-C lets dpkg finish what it is at: half a package would be in everybody's way.
pub(super) async fn install(packages: &[&str], software: &Path, progress: &Progress) -> Result<()> {
    let Some(apt_get) = on_path(&["apt-get"]) else {
        return Ok(());
    };
    let step = progress.step("apt-get");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&apt_get);
        command
            .args(["-q", "-y", "-o", WAIT])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let mut install = vec!["install", "--no-install-recommends"];
    install.extend(packages);
    let log = software.join("apt-get.log");
    let run = async |arguments: &[&str]| run_whole(&mut command(arguments), INSTALLING, &log).await;
    step.at(packages.join(", "));
    if run(&install).await.is_err() {
        step.at("reading the list of packages");
        run(&["update"]).await?;
        step.at(packages.join(", "));
        run(&install).await?;
    }
    step.done(&packages.join(", "));
    Ok(())
}

/// The package of this name, unpacked without being installed, whose program has the same name; `None` where there are no
/// packages of Debian.
pub(super) async fn unpacked(
    package: &str,
    software: &Path,
    progress: &Progress,
) -> Result<Option<Provided>> {
    let directory = software.join(package);
    let program = directory.join("usr/bin").join(package);
    let provided = Provided::native(&program, "a package of Debian");
    if program.exists() {
        return Ok(Some(provided));
    }
    let (Some(apt_get), Some(dpkg_deb)) = (on_path(&["apt-get"]), on_path(&["dpkg-deb"])) else {
        return Ok(None);
    };
    let step = progress.step(package);
    let partial = emptied(software, &format!("{package}.partial"))?;
    let asked = async |arguments: &[&str]| {
        let mut command = Command::new(&apt_get);
        command.arg("-q").args(arguments).current_dir(&partial);
        run(&mut command, INSTALLING).await
    };
    let downloaded = asked(&["download", package]).await;
    if downloaded.is_err() && geteuid().is_root() {
        // A fresh machine has no list of packages yet.
        step.at("reading the list of packages");
        asked(&["update"]).await?;
        asked(&["download", package]).await?;
    } else {
        downloaded?;
    }
    let archive = fs::read_dir(&partial)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded nothing")?;
    let mut unpack = Command::new(dpkg_deb);
    unpack.arg("-x").arg(&archive).arg(&partial);
    run(&mut unpack, INSTALLING).await?;
    fs::rename(&partial, &directory)?;
    step.done("a package of Debian, unpacked");
    Ok(Some(provided))
}
