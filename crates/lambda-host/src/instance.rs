//! One process of a function and what it is doing.

use std::{mem, sync::Arc};

use axum::body::Bytes;
use nix::sys::signal::Signal;
use tokio::{
    process::Child,
    sync::oneshot,
    task::AbortHandle,
    time::{Duration, Instant, sleep},
};
use uuid::Uuid;

use crate::{
    answer::{Answer, Failure},
    function::Function,
    launch::signal_group,
};

/// Lambda gives a function 10 s to come up; here it is at least that, because machines are shared.
const SHORTEST_START: Duration = Duration::from_secs(10);

/// An invocation that waits for an instance.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) request_id: Uuid,
    pub(crate) payload: Bytes,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// What an instance gets when it asks for work.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) request_id: Uuid,
    /// Milliseconds since the Unix epoch.
    pub(crate) deadline_ms: i64,
    pub(crate) payload: Bytes,
}

/// A process.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) pid: u32,
    pub(crate) phase: Phase,
    /// When it left its last invocation; `None` before the first one.
    pub(crate) worked_at: Option<Instant>,
}

/// What a process is doing.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Started, has not asked for work yet.
    Starting,
    /// Waits for work.
    Idle(oneshot::Sender<Task>),
    /// Works.
    Busy {
        request_id: Uuid,
        reply: oneshot::Sender<Answer>,
        timer: AbortHandle,
    },
    /// Has answered, has not asked for more yet.
    Between,
    /// Did not come up; it has said why.
    Failed(Failure),
    /// Is being killed.
    Ending,
}

impl Instance {
    pub(crate) fn starting(pid: u32) -> Self {
        Self {
            pid,
            phase: Phase::Starting,
            worked_at: None,
        }
    }

    /// Whether it will ask for work soon.
    pub(crate) fn is_coming(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Between)
    }

    /// Goes from work on that request to `next`. Nothing changes if it is not at work on that one.
    pub(crate) fn leave_work(
        &mut self,
        request_id: Uuid,
        next: Phase,
    ) -> Option<oneshot::Sender<Answer>> {
        match mem::replace(&mut self.phase, next) {
            Phase::Busy {
                request_id: current,
                reply,
                timer,
            } if current == request_id => {
                timer.abort();
                self.worked_at = Some(Instant::now());
                Some(reply)
            }
            other => {
                self.phase = other;
                None
            }
        }
    }

    /// Whether it can still answer invocations.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.phase, Phase::Failed(_) | Phase::Ending)
    }
}

/// Waits for a process to end, which it must if it does not come up in time.
pub(crate) async fn supervise(
    function: Arc<Function>,
    id: Uuid,
    pid: u32,
    mut child: Child,
    log_start: u64,
) {
    let start_limit = function.spec.timeout.max(SHORTEST_START);
    let status = tokio::select! {
        status = child.wait() => status,
        () = sleep(start_limit) => {
            function.start_expired(id, start_limit);
            child.wait().await
        }
    };
    // What it started itself ends with it.
    signal_group(pid, Signal::SIGKILL);
    let reason = match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    function.ended(id, &reason, log_start);
}
