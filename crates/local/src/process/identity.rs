//! Which process is meant: ids are given again.

use std::{fmt, fs, path::Path, process::Command};

/// A process id and when the process started: together they name it for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The process id.
    pub(crate) pid: u32,
    started: String,
}

impl Identity {
    /// The process that has this id now; `None` if there is none or it has ended.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let started = started_at(pid)?;
        Some(Self { pid, started })
    }

    /// What a file holds, as it was written with `to_string`.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let (pid, started) = text.split_once(' ')?;
        Some(Self {
            pid: pid.parse().ok()?,
            started: started.to_owned(),
        })
    }

    /// Whether this very process still runs.
    pub(crate) fn runs(&self) -> bool {
        started_at(self.pid).as_ref() == Some(&self.started)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.started)
    }
}

/// The fields of `/proc/PID/stat` from the state on. The name before it, in parentheses, may hold anything.
pub(super) fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some(fields.map(str::to_owned).collect())
}

/// When a process started, in the system's own terms; `None` if it has ended.
fn started_at(pid: u32) -> Option<String> {
    if !Path::new("/proc/self/stat").exists() {
        return started_at_by_ps(pid);
    }
    let mut fields = stat(pid)?;
    let ended = matches!(fields.first().map(String::as_str), Some("Z" | "X"));
    // The 22nd field in all; the state is the third.
    (!ended && fields.len() > 19).then(|| fields.swap_remove(19))
}

/// The same where there is no `/proc`.
fn started_at_by_ps(pid: u32) -> Option<String> {
    let ps = Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8(ps.stdout).ok()?;
    let (state, started) = text.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| started.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_another_one_with_its_id() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("server");
        let own = Identity::of(std::process::id()).unwrap();
        fs::write(&file, own.to_string()).unwrap();
        assert_eq!(Identity::read(&file), Some(own.clone()));
        assert!(own.runs());
        fs::write(&file, format!("{} 1", own.pid)).unwrap();
        assert!(!Identity::read(&file).unwrap().runs());
        fs::write(&file, "").unwrap();
        assert_eq!(Identity::read(&file), None);
    }
}
