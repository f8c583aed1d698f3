//! What is downloaded and run has to be what was looked at when its version was chosen.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// Checks that a directory holds the files of `pinned`, lines as `sha256sum` writes them, and no other.
///
/// # Errors
/// When one is missing, another one is there, or one has other bytes.
pub(super) fn check(directory: &Path, pinned: &str) -> Result<()> {
    let mut pinned: BTreeMap<&str, &str> = pinned
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, name)| (name, digest))
        .collect();
    for entry in directory.read_dir()? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(digest) = pinned.remove(&*name) else {
            bail!("{name} was downloaded and is not expected");
        };
        let found = sha256(&path).with_context(|| format!("reading {name}"))?;
        if found != digest {
            bail!("{name} has the SHA-256 {found}, and must have {digest}");
        }
    }
    match pinned.keys().next() {
        Some(name) => bail!("{name} was not downloaded"),
        None => Ok(()),
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    loop {
        let read = file.fill_buf()?;
        if read.is_empty() {
            break;
        }
        digest.update(read);
        let length = read.len();
        file.consume(length);
    }
    let bytes = digest.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_download_has_to_be_the_one_that_is_expected() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.jar");
        fs::write(&path, "abc").unwrap();
        // The example of FIPS 180-2.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let pinned = format!("{digest}  a.jar\n");
        let fault = |pinned: &str| {
            let outcome = check(directory.path(), pinned);
            outcome.err().map(|error| error.to_string())
        };
        assert_eq!(fault(&pinned), None);
        assert!(fault("").unwrap().contains("is not expected"));
        let more = format!("{pinned}{digest}  b.jar\n");
        assert_eq!(fault(&more).unwrap(), "b.jar was not downloaded");
        fs::write(&path, "abd").unwrap();
        assert!(fault(&pinned).unwrap().contains("must have ba7816bf"));
    }
}
