//! Bringing invocations and instances together.

use std::{
    collections::{HashMap, VecDeque},
    io, mem,
    sync::Arc,
};

use chrono::Utc;
use nix::sys::signal::Signal;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, sleep_until},
};
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::{
    answer::{Answer, Failure},
    backoff::Backoff,
    function::Function,
    instance::{Instance, Invocation, Phase, Task, supervise},
    launch::{Launched, launch, signal_group},
};

/// What changes about a function.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) waiting: VecDeque<Invocation>,
    pub(crate) instances: HashMap<Uuid, Instance>,
    pub(crate) backoff: Backoff,
    /// A start is due when the back-off is over.
    start_due: bool,
    pub(crate) stopping: bool,
    pub(crate) invocations: u64,
    pub(crate) errors: u64,
}

impl State {
    /// Answers an invocation, and counts it.
    pub(crate) fn answer(&mut self, reply: oneshot::Sender<Answer>, answer: Answer) {
        self.invocations += 1;
        self.errors += u64::from(answer.is_err());
        let _ = reply.send(answer);
    }
}

impl Function {
    /// Hands what waits to idle instances, and starts more of them if they are too few.
    pub(crate) fn dispatch(self: &Arc<Self>, state: &mut State) {
        if state.stopping {
            return;
        }
        // Whoever gave up waiting needs no answer.
        state
            .waiting
            .retain(|invocation| !invocation.reply.is_closed());
        while let Some(invocation) = state.waiting.pop_front() {
            let Some((id, instance)) = idle_instance(&mut state.instances) else {
                state.waiting.push_front(invocation);
                break;
            };
            if let Err(invocation) = self.assign(id, instance, invocation) {
                state.waiting.push_front(invocation);
            }
        }
        let coming = state
            .instances
            .values()
            .filter(|instance| instance.is_coming())
            .count();
        let room = self
            .spec
            .max_instances
            .saturating_sub(state.instances.len());
        for _ in 0..state.waiting.len().saturating_sub(coming).min(room) {
            if let Some(until) = state.backoff.until(Instant::now()) {
                self.dispatch_at(state, until);
                break;
            }
            if let Err(error) = self.start(state) {
                let message = format!(
                    "{} could not be started: {error}",
                    self.spec.program.display()
                );
                self.not_started(state, Failure::noticed("Runtime.ExitError", &message));
            }
        }
    }

    /// Gives an invocation to an idle instance; gives it back if that instance does not listen any more.
    fn assign(
        self: &Arc<Self>,
        id: Uuid,
        instance: &mut Instance,
        invocation: Invocation,
    ) -> Result<(), Invocation> {
        let Phase::Idle(poll) = mem::replace(&mut instance.phase, Phase::Between) else {
            return Err(invocation);
        };
        if poll.is_closed() {
            return Err(invocation);
        }
        let Invocation {
            request_id,
            payload,
            reply,
        } = invocation;
        let limit = i64::try_from(self.spec.timeout.as_millis()).unwrap_or(i64::MAX);
        let timer = tokio::spawn(self.clone().expire(id, request_id)).abort_handle();
        instance.phase = Phase::Busy {
            request_id,
            reply,
            timer,
        };
        // If the connection breaks just now the process is ending, and its end answers the invocation.
        let _ = poll.send(Task {
            request_id,
            deadline_ms: Utc::now().timestamp_millis().saturating_add(limit),
            payload,
        });
        Ok(())
    }

    /// Kills the instance if it is still at this request when the function's timeout is over.
    async fn expire(self: Arc<Self>, id: Uuid, request_id: Uuid) {
        sleep(self.spec.timeout).await;
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(instance) = state.instances.get_mut(&id) else {
            return;
        };
        let pid = instance.pid;
        if let Some(reply) = instance.leave_work(request_id, Phase::Ending) {
            signal_group(pid, Signal::SIGKILL);
            let seconds = self.spec.timeout.as_secs_f64();
            warn!(function = %self.spec.name, pid, seconds, "an invocation timed out, its instance is killed");
            let message =
                format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
            state.answer(reply, Err(Failure::timed_out(&message)));
        }
    }

    fn start(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let id = Uuid::new_v4();
        let runtime_api = format!("{}/_runtime/{}/{id}", self.base_url, self.spec.name);
        let Launched {
            child,
            pid,
            log_start,
        } = launch(&self.spec, &runtime_api, &self.region, id)?;
        state.instances.insert(id, Instance::starting(pid));
        self.processes.send_replace(state.instances.len());
        info!(function = %self.spec.name, pid, "an instance started");
        tokio::spawn(supervise(self.clone(), id, pid, child, log_start));
        Ok(())
    }

    /// A start failed: the next one waits, and unless another instance is left, so does nobody in the queue.
    pub(crate) fn not_started(&self, state: &mut State, failure: Failure) {
        state.backoff.failed(Instant::now());
        if let Failure::Function { document, .. } = &failure {
            let reason = String::from_utf8_lossy(document);
            error!(function = %self.spec.name, %reason, "an instance did not come up");
        }
        if !state.instances.values().any(Instance::is_alive) {
            for invocation in mem::take(&mut state.waiting) {
                state.answer(invocation.reply, Err(failure.clone()));
            }
        }
    }

    fn dispatch_at(self: &Arc<Self>, state: &mut State, time: Instant) {
        if mem::replace(&mut state.start_due, true) {
            return;
        }
        let function = self.clone();
        tokio::spawn(async move {
            sleep_until(time).await;
            let mut state = function.lock();
            state.start_due = false;
            function.dispatch(&mut state);
        });
    }
}

/// The idle instance that worked last: what it keeps between invocations is the newest.
fn idle_instance(instances: &mut HashMap<Uuid, Instance>) -> Option<(Uuid, &mut Instance)> {
    instances
        .iter_mut()
        .filter(|(_, instance)| matches!(instance.phase, Phase::Idle(_)))
        .max_by_key(|(_, instance)| instance.worked_at)
        .map(|(id, instance)| (*id, instance))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_worked_last_works_next() {
        let now = Instant::now();
        let idle = || Phase::Idle(oneshot::channel().0);
        let between = Phase::Between;
        let mut instances = HashMap::new();
        for (pid, phase, worked_at) in [
            (1, idle(), None),
            (2, idle(), Some(now)),
            (3, idle(), Some(now + Duration::from_secs(1))),
            (4, between, Some(now + Duration::from_secs(2))),
        ] {
            let instance = Instance {
                pid,
                phase,
                worked_at,
            };
            instances.insert(Uuid::new_v4(), instance);
        }
        let mut order = Vec::new();
        while let Some((id, instance)) = idle_instance(&mut instances) {
            order.push(instance.pid);
            instances.remove(&id);
        }
        assert_eq!(order, [3, 2, 1]);
    }
}
