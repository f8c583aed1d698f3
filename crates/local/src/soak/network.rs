//! A network that can be parted: servers that nobody reaches for a time, where this user may say what loopback drops.

use std::{
    io::Write,
    process::{self, Command, Stdio},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::sleep};

/// The name of a table of rules that only this process changes.
#[derive(Debug)]
pub(super) struct Network(String);

/// What is sent to a port of the set is dropped, and what is sent from it. A port leaves the set by itself when its time is
/// over, also where the soak is gone by then.
const RULES: &str = "
    set parted { type inet_service; flags timeout; }
    chain input {
        type filter hook input priority filter;
        iif lo tcp dport @parted drop
        iif lo tcp sport @parted drop
    }";

impl Network {
    /// Takes hold of it; `None` without nftables or the right to use them.
    pub(super) fn take() -> Option<Self> {
        let table = format!("slacast_soak_{}", process::id());
        is_done(&format!("table inet {table} {{ {RULES} }}")).then_some(Self(table))
    }

    /// Lets nobody reach a port for a time. Returns whether that was so.
    pub(super) async fn parted_for(&self, port: u16, time: Duration) -> bool {
        let (table, milliseconds) = (&self.0, time.as_millis());
        let element = format!("{{ {port} timeout {milliseconds}ms }}");
        let rule = format!("add element inet {table} parted {element}");
        let is_parted = spawn_blocking(move || is_done(&rule)).await;
        sleep(time).await;
        is_parted.unwrap_or_default()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        is_done(&format!("delete table inet {}", self.0));
    }
}

fn is_done(rules: &str) -> bool {
    let nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut nft) = nft else {
        return false;
    };
    let given = nft
        .stdin
        .take()
        .map(|mut stdin| stdin.write_all(rules.as_bytes()));
    let ended = nft.wait();
    given.is_some_and(|given| given.is_ok()) && ended.is_ok_and(|status| status.success())
}
