"""Programs that run until they are stopped, each in a process group of its own with a log of its own."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

_GRACE_SECONDS = 30


class Process:
    """A program that runs as long as the `with` block does."""

    def __init__(self, command, log: Path, environment=None, directory=None):
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                command,
                env=environment,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._child.poll() is None:
            # The leader alone: it stops what it started, in order.
            self._child.terminate()
            try:
                self._child.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._child.pid, signal.SIGKILL)
                self._child.wait()

    def until(self, found, patience_seconds):
        """Waits until `found` returns something."""
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            if (status := self._child.poll()) is not None:
                raise RuntimeError(f"a program ended with status {status}:\n{self.last_words()}")
            if (what := found()) is not None:
                return what
            time.sleep(0.2)
        raise TimeoutError(f"nothing after {patience_seconds} s:\n{self.last_words()}")

    def last_words(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
