//! What breaks, and when: the same for the same seed.

use std::{fmt, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tokio::time::sleep;

use crate::{control::FUNCTIONS_PATH, data::DataDirectory, process::recorded_pid};

/// Something breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// After the beginning.
    pub(super) at: Duration,
    victim: Victim,
    /// How long it stands still; `None`: it is killed.
    still: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Server(&'static str),
    /// Every instance that runs.
    Function(&'static str),
}

const VICTIMS: [Victim; 7] = [
    Victim::Server("mysql"),
    Victim::Server("kafka"),
    Victim::Server("prometheus"),
    Victim::Function("etl"),
    Victim::Function("storage"),
    Victim::Function("retrieval"),
    Victim::Function("sla"),
];
const LONGEST_STILL_MS: u64 = 15_000;

/// `count` faults over a time, one in each part of it, at a moment and of a kind that the seed decides.
pub(super) fn plan(seed: u64, count: usize, span: Duration) -> Vec<Fault> {
    let mut random = Random(seed);
    let part = span / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    let part_ms = u64::try_from(part.as_millis()).unwrap_or(u64::MAX).max(1);
    (0..count)
        .map(|number| {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let victim = VICTIMS[random.below(VICTIMS.len() as u64) as usize];
            let killed = random.below(2) == 0;
            let still = 500 + random.below(LONGEST_STILL_MS);
            Fault {
                at: part * number + Duration::from_millis(random.below(part_ms)),
                victim,
                still: (!killed).then_some(Duration::from_millis(still)),
            }
        })
        .collect()
}

impl Fault {
    /// Lets it happen, and waits until a process that stands still goes on.
    pub(super) async fn happen(&self, data: &DataDirectory, control: &str) {
        let pids = match self.victim {
            Victim::Server(name) => recorded_pid(&data.run(), name).into_iter().collect(),
            Victim::Function(name) => instances(control, name).await.unwrap_or_default(),
        };
        // A process may end by itself before the signal comes.
        let send = |signal| {
            for pid in &pids {
                let _ = kill(Pid::from_raw(*pid as i32), signal);
            }
        };
        match self.still {
            None => send(Signal::SIGKILL),
            Some(still) => {
                send(Signal::SIGSTOP);
                sleep(still).await;
                send(Signal::SIGCONT);
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Victim::Server(name) | Victim::Function(name)) = self.victim;
        match self.still {
            None => write!(f, "{name} is killed"),
            Some(still) => write!(f, "{name} stands still for {:.1} s", still.as_secs_f64()),
        }
    }
}

/// The processes of a function.
async fn instances(control: &str, name: &str) -> reqwest::Result<Vec<u32>> {
    let client = http_client::direct()
        .timeout(Duration::from_secs(5))
        .build()?;
    let answer = client.get(format!("{control}{FUNCTIONS_PATH}")).send();
    let functions: Value = answer.await?.json().await?;
    let functions = functions.as_array().into_iter().flatten();
    let function = functions
        .filter(|function| function["name"] == name)
        .filter_map(|function| function["pids"].as_array());
    let pids = function.flatten().filter_map(Value::as_u64);
    Ok(pids.filter_map(|pid| u32::try_from(pid).ok()).collect())
}

/// Sebastiano Vigna's `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`, which is small against 2^64.
    fn below(&mut self, bound: u64) -> u64 {
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
        for victim in VICTIMS {
            assert!(faults.iter().any(|fault| fault.victim == victim));
        }
        assert_eq!(plan(1, 0, hour), []);
    }
}
