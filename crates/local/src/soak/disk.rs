//! A disk that can be filled: a file system in memory under the servers, where this user may mount one.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::sleep};

/// A mounted file system.
#[derive(Debug)]
pub(super) struct Disk(PathBuf);

/// A soak of hours does not fill it by itself.
const OPTIONS: &str = "size=2g,mode=0700";
const PIECE: usize = 1 << 20;

impl Disk {
    /// Mounts one; `None` where there is no right to.
    pub(super) fn mount(directory: &Path) -> Option<Self> {
        let arguments = ["-t", "tmpfs", "-o", OPTIONS, "tmpfs"];
        let mut command = Command::new("mount");
        is_done(command.args(arguments).arg(directory)).then(|| Self(directory.to_owned()))
    }

    /// Takes away what a soak that was killed had mounted.
    pub(super) fn clear(directory: &Path) {
        let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
        let parent = directory.parent().and_then(device);
        if parent.is_some() && parent != device(directory) {
            unmount(directory);
        }
    }

    /// Leaves no room for a time. Returns whether that was so.
    pub(super) async fn full_for(&self, time: Duration) -> bool {
        let path = self.0.join("full");
        let filled = path.clone();
        let is_full = spawn_blocking(move || fill(&filled)).await;
        sleep(time).await;
        let _ = fs::remove_file(path);
        is_full.unwrap_or_default()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(&self.0);
    }
}

fn fill(path: &Path) -> bool {
    let Ok(mut file) = File::create(path) else {
        return true;
    };
    let piece = vec![0; PIECE];
    while file.write_all(&piece).is_ok() {}
    true
}

/// Whoever still has a file open keeps it until then.
fn unmount(directory: &Path) {
    is_done(Command::new("umount").arg("--lazy").arg(directory));
}

fn is_done(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
