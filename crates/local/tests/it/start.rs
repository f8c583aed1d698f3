//! An `up` that does not get far.

use std::{fs, path::Path, process::Stdio};

use tokio::time::timeout;

use crate::system::{PATIENCE, free_port, is_alive, local, turn, until};

/// The process ids in the files of a run directory.
fn started(data: &Path) -> Vec<u32> {
    let files = fs::read_dir(data.join("run")).into_iter().flatten();
    files
        .filter_map(|file| {
            let text = fs::read_to_string(file.ok()?.path()).ok()?;
            text.split(' ').next()?.parse().ok()
        })
        .collect()
}

#[tokio::test]
async fn down_stops_an_up_that_is_still_starting() {
    let _turn = turn().await;
    let data = tempfile::tempdir().unwrap();
    let mut up = local(&data)
        .args(["up", "--port", &free_port().to_string()])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until("a server is started", async || {
        !started(data.path()).is_empty()
    })
    .await;
    let status = local(&data).arg("status").output().await.unwrap();
    let told = String::from_utf8_lossy(&status.stderr);
    assert!(told.contains("`up` is starting"), "{told}");

    let mut pids = started(data.path());
    let down = local(&data).arg("down").output().await.unwrap();
    assert!(down.status.success(), "{down:?}");
    let ended = timeout(PATIENCE, up.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0));
    pids.retain(|pid| is_alive(*pid));
    assert_eq!(pids, Vec::<u32>::new(), "processes are left");
    assert_eq!(started(data.path()), Vec::<u32>::new());
}

#[tokio::test]
async fn a_taken_port_is_told_and_nothing_is_left() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let data = tempfile::tempdir().unwrap();
    let up = local(&data)
        .args(["up", "--port", &address.port().to_string()])
        .output();
    let output = timeout(PATIENCE, up).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(&format!("{address} is not free")), "{told}");
    assert!(told.contains("--port"), "{told}");
    assert_eq!(started(data.path()), Vec::<u32>::new());
}
