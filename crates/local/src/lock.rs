//! Who has a data directory.

use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use crate::process::Identity;

/// As long as it lives, no other process has the directory. The system gives it back when the process ends, however it
/// ends.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock; `None` if another process has it.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = opened(path)?;
        match file.try_lock() {
            Ok(()) => {
                // What is written there is of somebody who has ended.
                file.set_len(0)?;
                Ok(Some(Self(file)))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// From now on `down` asks this process to end.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn sign(&self) -> io::Result<()> {
        let own = Identity::of(std::process::id());
        let own = own.map(|own| own.to_string()).unwrap_or_default();
        self.0.write_all_at(own.as_bytes(), 0)
    }
}

/// Whether a process has the lock.
pub(crate) fn is_taken(path: &Path) -> io::Result<bool> {
    match opened(path)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The process that has the lock, if it signed.
pub(crate) fn signer(path: &Path) -> Option<u32> {
    let signer = Identity::read(path)?;
    signer.runs().then_some(signer.pid)
}

fn opened(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_signed_and_still_runs_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = Lock::take(&path).unwrap().unwrap();
        assert!(is_taken(&path).unwrap());
        assert_eq!(signer(&path), None);
        lock.sign().unwrap();
        assert_eq!(signer(&path), Some(std::process::id()));
        std::fs::write(&path, format!("{} 1", std::process::id())).unwrap();
        assert_eq!(signer(&path), None);
    }

    #[test]
    fn looking_is_no_taking() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        assert!(!is_taken(&path).unwrap());
        assert!(Lock::take(&path).unwrap().is_some());
        assert!(!is_taken(&path).unwrap());
    }
}
