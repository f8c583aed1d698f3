//! A function: the invocations that wait for it and the instances that work them off.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use nix::sys::signal::Signal;
use serde::Serialize;
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};
use tracing::warn;
use uuid::Uuid;

use crate::{
    answer::{Answer, Failure},
    dispatch::State,
    instance::{Invocation, Phase, Task},
    launch::{last_line, signal_group},
    spec::FunctionSpec,
};

/// The most invocations of one function that wait, and the most bytes they hold.
const MOST_WAITING: usize = 1000;
const MOST_WAITING_BYTES: usize = 256 * 1024 * 1024;

/// How long a process that was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(1);

/// What a function has done and is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionStatus {
    /// Its name.
    pub name: String,
    /// Its processes, ascending.
    pub pids: Vec<u32>,
    /// Invocations that were answered, failed ones included.
    pub invocations: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Invocations that an instance works on.
    pub busy: usize,
    /// Invocations that wait for an instance.
    pub waiting: usize,
}

/// An instance asked for something that it may not have: it is unknown, ending, or not at work on that request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotYours;

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) spec: FunctionSpec,
    /// The host's own address, `http://127.0.0.1:PORT`.
    pub(crate) base_url: String,
    pub(crate) region: String,
    state: Mutex<State>,
    /// The number of processes.
    pub(crate) processes: watch::Sender<usize>,
    stopping: watch::Sender<bool>,
}

impl Function {
    pub(crate) fn new(spec: FunctionSpec, base_url: String, region: String) -> Self {
        Self {
            spec,
            base_url,
            region,
            state: Mutex::default(),
            processes: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
        }
    }

    /// Has `payload` worked off by the next free instance.
    pub(crate) async fn invoke(self: &Arc<Self>, payload: Bytes) -> Answer {
        let (reply, answer) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.stopping {
                return Err(Failure::Stopping);
            }
            let bytes: usize = state
                .waiting
                .iter()
                .map(|waiting| waiting.payload.len())
                .sum();
            if state.waiting.len() >= MOST_WAITING || bytes + payload.len() > MOST_WAITING_BYTES {
                return Err(Failure::QueueFull);
            }
            state.waiting.push_back(Invocation {
                request_id: Uuid::new_v4(),
                payload,
                reply,
            });
            self.dispatch(&mut state);
        }
        answer.await.unwrap_or(Err(Failure::Stopping))
    }

    /// An instance asks for work.
    pub(crate) async fn next(self: &Arc<Self>, id: Uuid) -> Result<Task, NotYours> {
        let task = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let instance = state.instances.get_mut(&id).ok_or(NotYours)?;
            if !instance.is_alive() {
                return Err(NotYours);
            }
            let (poll, task) = oneshot::channel();
            if let Phase::Busy { reply, timer, .. } =
                mem::replace(&mut instance.phase, Phase::Idle(poll))
            {
                timer.abort();
                let failure = Failure::noticed(
                    "Runtime.NoResponse",
                    "The runtime asked for more work instead of answering",
                );
                state.answer(reply, Err(failure));
            }
            state.backoff.succeeded();
            self.dispatch(state);
            task
        };
        task.await.map_err(|_| NotYours)
    }

    /// An instance has finished an invocation.
    pub(crate) fn finish(
        &self,
        id: Uuid,
        request_id: Uuid,
        answer: Answer,
    ) -> Result<(), NotYours> {
        let mut state = self.lock();
        let instance = state.instances.get_mut(&id).ok_or(NotYours)?;
        let Some(reply) = instance.leave_work(request_id, Phase::Between) else {
            return Err(NotYours);
        };
        state.answer(reply, answer);
        Ok(())
    }

    /// An instance says why it does not come up.
    pub(crate) fn start_failed(&self, id: Uuid, document: Bytes) -> Result<(), NotYours> {
        let mut state = self.lock();
        let instance = state.instances.get_mut(&id).ok_or(NotYours)?;
        if !matches!(instance.phase, Phase::Starting) {
            return Err(NotYours);
        }
        instance.phase = Phase::Failed(Failure::reported(document));
        // It should end by itself; what waits for it need not rely on that.
        signal_group(instance.pid, Signal::SIGTERM);
        Ok(())
    }

    /// The time to come up is over.
    pub(crate) fn start_expired(&self, id: Uuid, limit: Duration) {
        let mut state = self.lock();
        let Some(instance) = state.instances.get_mut(&id) else {
            return;
        };
        if let Phase::Starting = instance.phase {
            let message = format!("Init timed out after {:.2} seconds", limit.as_secs_f64());
            instance.phase = Phase::Failed(Failure::timed_out(&message));
        }
        if let Phase::Failed(_) = instance.phase {
            signal_group(instance.pid, Signal::SIGKILL);
        }
    }

    /// A process is gone.
    pub(crate) fn ended(self: &Arc<Self>, id: Uuid, reason: &str, log_start: u64) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(instance) = state.instances.remove(&id) else {
            return;
        };
        self.processes.send_replace(state.instances.len());
        let name = &self.spec.name;
        let pid = instance.pid;
        match instance.phase {
            Phase::Busy {
                request_id,
                reply,
                timer,
            } => {
                timer.abort();
                let message =
                    format!("RequestId: {request_id} Error: Runtime exited with error: {reason}");
                warn!(function = %name, pid, %reason, "an instance ended in the middle of an invocation");
                state.answer(reply, Err(Failure::noticed("Runtime.ExitError", &message)));
            }
            Phase::Starting if !state.stopping => {
                let said = last_line(&self.spec.log, log_start)
                    .map_or_else(String::new, |line| format!(": {line}"));
                let message = format!("Runtime exited before it was ready: {reason}{said}");
                self.not_started(state, Failure::noticed("Runtime.ExitError", &message));
            }
            Phase::Failed(failure) if !state.stopping => self.not_started(state, failure),
            Phase::Idle(_) | Phase::Between if !state.stopping => {
                warn!(function = %name, pid, %reason, "an idle instance ended");
            }
            _ => {}
        }
        self.dispatch(state);
    }

    pub(crate) fn status(&self) -> FunctionStatus {
        let state = self.lock();
        let mut pids: Vec<u32> = state
            .instances
            .values()
            .map(|instance| instance.pid)
            .collect();
        pids.sort_unstable();
        FunctionStatus {
            name: self.spec.name.clone(),
            pids,
            invocations: state.invocations,
            errors: state.errors,
            busy: state
                .instances
                .values()
                .filter(|instance| matches!(instance.phase, Phase::Busy { .. }))
                .count(),
            waiting: state.waiting.len(),
        }
    }

    /// Resolves when the function is being stopped.
    pub(crate) async fn stopping(&self) {
        let mut stopping = self.stopping.subscribe();
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Ends every process: asks first, kills after a second. What waits is answered as stopping.
    pub(crate) async fn stop(&self) {
        self.signal_all(Signal::SIGTERM);
        let mut processes = self.processes.subscribe();
        if timeout(GRACE, processes.wait_for(|count| *count == 0))
            .await
            .is_err()
        {
            self.signal_all(Signal::SIGKILL);
            let _ = timeout(GRACE, processes.wait_for(|count| *count == 0)).await;
        }
    }

    /// Takes no more work and signals every process.
    pub(crate) fn signal_all(&self, signal: Signal) {
        let mut state = self.lock();
        state.stopping = true;
        self.stopping.send_replace(true);
        for invocation in mem::take(&mut state.waiting) {
            let _ = invocation.reply.send(Err(Failure::Stopping));
        }
        for instance in state.instances.values() {
            signal_group(instance.pid, signal);
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
