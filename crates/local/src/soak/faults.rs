//! What breaks, and when: the same for the same seed.

use std::{
    fmt,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use super::{disk::Disk, load::PATIENCE, network::Network};
use crate::{control::FUNCTIONS_PATH, data::DataDirectory, process::recorded_pid, state::State};

/// Something breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// After the beginning.
    pub(super) at: Duration,
    kind: Kind,
}

/// What faults happen to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) data: &'a DataDirectory,
    pub(super) state: &'a State,
    /// The disk under the servers, if it can be filled.
    pub(super) disk: Option<&'a Disk>,
    /// The network between all, if it can be parted.
    pub(super) network: Option<&'a Network>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Killed(Victim),
    /// It stands still.
    Stopped(Victim, Duration),
    /// It gets a fifth of its time.
    Slowed(Victim, Duration),
    /// Nobody reaches it.
    Parted(&'static str, Duration),
    /// The clock of a run is wrong by so many seconds.
    Clock(i64),
    /// The disk under the servers has no room.
    Full(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Server(&'static str),
    /// Every instance that runs.
    Function(&'static str),
}

const VICTIMS: [Victim; 8] = [
    Victim::Server("mysql"),
    Victim::Server("kafka"),
    Victim::Server("prometheus"),
    Victim::Function("etl"),
    Victim::Function("storage"),
    Victim::Function("retrieval"),
    Victim::Function("sla"),
    Victim::Function("alerting"),
];
const SERVERS: [&str; 3] = ["mysql", "kafka", "prometheus"];
const LONGEST_MS: u64 = 15_000;
/// A function that is to be killed may be idle for so long first.
const UNTIL_AT_WORK: Duration = Duration::from_secs(3);
/// How far a clock is behind, and ahead, at most.
const BEHIND_SECONDS: u64 = 3_600;
const AHEAD_SECONDS: u64 = 20;
/// Of a slowed process' time: how long it stands, and how long it runs.
const STANDING: Duration = Duration::from_millis(200);
const RUNNING: Duration = Duration::from_millis(50);

/// `count` faults over a time, one in each part of it, at a moment and of a kind that the seed decides.
pub(super) fn plan(seed: u64, count: usize, span: Duration) -> Vec<Fault> {
    let mut random = Random(seed);
    let part = span / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    let part_ms = u64::try_from(part.as_millis()).unwrap_or(u64::MAX).max(1);
    (0..count)
        .map(|number| {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            Fault {
                kind: kind(&mut random),
                at: part * number + Duration::from_millis(random.below(part_ms)),
            }
        })
        .collect()
}

fn kind(random: &mut Random) -> Kind {
    let victim = VICTIMS[random.below(VICTIMS.len() as u64) as usize];
    let time = Duration::from_millis(500 + random.below(LONGEST_MS));
    match random.below(10) {
        0 => Kind::Full(time),
        1 => Kind::Clock(match random.below(2) {
            0 => 1 + random.below(AHEAD_SECONDS) as i64,
            _ => -1 - random.below(BEHIND_SECONDS) as i64,
        }),
        2 => Kind::Parted(SERVERS[random.below(SERVERS.len() as u64) as usize], time),
        3..5 => Kind::Slowed(victim, time),
        5..7 => Kind::Stopped(victim, time),
        _ => Kind::Killed(victim),
    }
}

impl Fault {
    /// Lets it happen, and waits until it is over. Returns whether there was anything to break.
    pub(super) async fn happen(&self, target: &Target<'_>) -> bool {
        let Target { data, state, .. } = *target;
        match self.kind {
            Kind::Killed(victim) => {
                let pids = victim.pids_at_work(data, &state.control).await;
                send(&pids, Signal::SIGKILL);
                !pids.is_empty()
            }
            Kind::Stopped(victim, time) => {
                let pids = victim.pids(data, &state.control).await;
                send(&pids, Signal::SIGSTOP);
                sleep(time).await;
                send(&pids, Signal::SIGCONT);
                !pids.is_empty()
            }
            Kind::Slowed(victim, time) => {
                let pids = victim.pids(data, &state.control).await;
                let began = Instant::now();
                while began.elapsed() < time {
                    send(&pids, Signal::SIGSTOP);
                    sleep(STANDING).await;
                    send(&pids, Signal::SIGCONT);
                    sleep(RUNNING).await;
                }
                !pids.is_empty()
            }
            Kind::Clock(jump) => run_at(&state.http, jump).await.is_ok(),
            Kind::Parted(name, time) => {
                let server = state.servers.iter().find(|server| server.name == name);
                match (target.network, server.and_then(|server| server.port)) {
                    (Some(network), Some(port)) => network.parted_for(port, time).await,
                    _ => false,
                }
            }
            Kind::Full(time) => match target.disk {
                Some(disk) => disk.full_for(time).await,
                None => false,
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Killed(victim) => write!(f, "{victim} is killed"),
            Kind::Stopped(victim, time) => {
                write!(f, "{victim} is stopped for {:.1} s", time.as_secs_f64())
            }
            Kind::Slowed(victim, time) => {
                write!(f, "{victim} is slowed for {:.1} s", time.as_secs_f64())
            }
            Kind::Parted(name, time) => {
                write!(
                    f,
                    "{name} is parted from all for {:.1} s",
                    time.as_secs_f64()
                )
            }
            Kind::Clock(jump) if jump < 0 => {
                write!(f, "the clock of a run is {} s behind", -jump)
            }
            Kind::Clock(jump) => write!(f, "the clock of a run is {jump} s ahead"),
            Kind::Full(time) => write!(f, "the disk is full for {:.1} s", time.as_secs_f64()),
        }
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Server(name) | Self::Function(name)) = self;
        f.write_str(name)
    }
}

impl Victim {
    async fn pids(self, data: &DataDirectory, control: &str) -> Vec<u32> {
        match self {
            Self::Server(name) => recorded_pid(&data.run(), name).into_iter().collect(),
            Self::Function(name) => Instances::of(name, control).await.pids,
        }
    }

    /// Those of a function once one of them is at work, which is when most can be lost; after a while in any case.
    async fn pids_at_work(self, data: &DataDirectory, control: &str) -> Vec<u32> {
        if let Self::Function(name) = self {
            let began = Instant::now();
            while began.elapsed() < UNTIL_AT_WORK {
                let instances = Instances::of(name, control).await;
                if instances.busy > 0 {
                    return instances.pids;
                }
                sleep(Duration::from_millis(5)).await;
            }
        }
        self.pids(data, control).await
    }
}

/// A process may end by itself before the signal comes.
fn send(pids: &[u32], signal: Signal) {
    for pid in pids {
        let _ = kill(Pid::from_raw(*pid as i32), signal);
    }
}

/// The processes of a function, and how many of them are at work.
#[derive(Debug, Default, Deserialize)]
struct Instances {
    name: String,
    pids: Vec<u32>,
    busy: usize,
}

impl Instances {
    /// None where the host does not say.
    async fn of(name: &str, control: &str) -> Self {
        let all = Self::all(control).await.unwrap_or_default();
        let found = all.into_iter().find(|function| function.name == name);
        found.unwrap_or_default()
    }

    async fn all(control: &str) -> reqwest::Result<Vec<Self>> {
        let client = http_client::direct()
            .timeout(Duration::from_secs(5))
            .build()?;
        let answer = client.get(format!("{control}{FUNCTIONS_PATH}")).send();
        answer.await?.json().await
    }
}

/// A run whose clock is wrong. Only a schedule's event may name a time that is still to come.
async fn run_at(http: &str, jump: i64) -> reqwest::Result<()> {
    let client = http_client::direct().timeout(PATIENCE).build()?;
    let time = (Utc::now() + TimeDelta::seconds(jump)).format("%Y-%m-%dT%H:%M:%SZ");
    let time = time.to_string();
    let request = if jump < 0 {
        let body = json!({"as_of": time});
        client.post(format!("{http}/ETL")).json(&body)
    } else {
        let event = json!({"detail-type": "Scheduled Event", "time": time});
        let path = "/2015-03-31/functions/etl/invocations";
        client.post(format!("{http}{path}")).json(&event)
    };
    request.send().await.map(drop)
}

/// Sebastiano Vigna's `SplitMix64`.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`, which is small against 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_what_breaks_and_when() {
        let hour = Duration::from_secs(3600);
        let faults = plan(1, 200, hour);
        assert_eq!(faults, plan(1, 200, hour));
        assert_ne!(faults, plan(2, 200, hour));
        assert!(faults.is_sorted_by_key(|fault| fault.at));
        assert!(faults.iter().all(|fault| fault.at < hour));
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        let victims = VICTIMS.map(|victim| victim.to_string());
        let ways = [
            "killed", "stopped", "slowed", "parted", "behind", "ahead", "full",
        ]
        .map(str::to_owned);
        for word in victims.iter().chain(&ways) {
            assert!(texts.iter().any(|text| text.contains(word)), "{word}");
        }
        assert_eq!(plan(1, 0, hour), []);
    }
}
