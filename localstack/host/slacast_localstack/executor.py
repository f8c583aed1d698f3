"""Runs a function's `bootstrap` as a process of this machine."""

import os
import queue
import re
import signal
import subprocess
import tempfile
import time

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from .runtime_api import ADDRESS, RuntimeApi, error_document

_POLL_SECONDS = 0.01
# Until a process has to ask for its first invocation.
_START_SECONDS = 60
# What a process of this machine needs of this one's environment.
_INHERITED = ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
_FUNCTION_URL = re.compile(r"^https?://([^/]+\.lambda-url\.[^/]+)(/.*)?$")


class ProcessExecutor(RuntimeExecutor):
    """One instance of a function: a process, and the Runtime API that it asks for its invocations."""

    def __init__(self, id, function_version):
        super().__init__(id=id, function_version=function_version)
        self._api = RuntimeApi(config.GATEWAY_LISTEN[0].port)
        self._process: subprocess.Popen | None = None
        self._environment: dict[str, str] = {}
        self._log = tempfile.TemporaryFile()
        self._told = 0

    def start(self, env_vars):
        self._environment = env_vars
        self._launch()

    def stop(self):
        self._kill()
        self._api.close()
        self._log.close()

    def invoke(self, payload):
        began, name = time.monotonic(), payload["invoke-id"]
        if self._process is None or self._process.poll() is not None:
            self._launch()
        timeout = self.function_version.config.timeout
        self._api.invoke(payload | {"deadline-ms": int((time.time() + timeout) * 1000)})
        body, is_error = self._outcome(name, began, timeout)
        milliseconds = (time.monotonic() - began) * 1000
        logs = (
            f"START RequestId: {name} Version: {self.function_version.id.qualifier}\n{self._news()}"
            f"END RequestId: {name}\nREPORT RequestId: {name}\tDuration: {milliseconds:.2f} ms\n"
        )
        return InvocationResult(name, body, is_error=is_error, logs=logs)

    def _outcome(self, name, began, timeout):
        while True:
            try:
                told, body, is_error = self._api.outcomes.get(timeout=_POLL_SECONDS)
                if told == name:
                    return body, is_error
            except queue.Empty:
                if time.monotonic() - began > timeout:
                    self._kill()
                    return error_document("Sandbox.Timedout", f"{name} Task timed out after {timeout:.2f} seconds"), True
                if (code := self._process.poll()) is not None:
                    self._kill()
                    return error_document("Runtime.ExitError", f"{name} Runtime exited with status {code}"), True

    def _launch(self):
        code = self.function_version.config.code.get_unzipped_code_location().resolve()
        bootstrap = code / "bootstrap"
        if not bootstrap.exists():
            raise LambdaRuntimeException(f"there is no bootstrap in {code}")
        bootstrap.chmod(0o755)
        self._process = subprocess.Popen(
            [bootstrap],
            cwd=code,
            env=self._variables(code),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        began = time.monotonic()
        while not self._api.asked.wait(_POLL_SECONDS):
            if time.monotonic() - began > _START_SECONDS:
                self._api.failed_start = error_document("Runtime.StartTimedout", f"no start within {_START_SECONDS} s")
                break
            if (status := self._process.poll()) is not None:
                self._api.failed_start = error_document("Runtime.ExitError", f"the runtime exited with status {status}")
                break
        if failure := self._api.failed_start:
            self._kill()
            raise LambdaRuntimeException(f"{failure.decode(errors='replace')}\n{self.get_logs()}")

    def _variables(self, code):
        own = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        given = {name: self._reachable(str(value)) for name, value in self._environment.items()}
        return own | given | {"AWS_LAMBDA_RUNTIME_API": f"{ADDRESS}:{self._api.port}", "LAMBDA_TASK_ROOT": str(code)}

    def _reachable(self, value):
        """A function URL, whose name resolves nowhere, as a path of the Runtime API."""
        if url := _FUNCTION_URL.match(value):
            return f"http://{ADDRESS}:{self._api.port}/through/{url[1]}{url[2] or '/'}"
        return value

    def _kill(self):
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._api.forget()

    def _news(self):
        """What the process wrote since it was last asked."""
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), size - self._told, self._told).decode(errors="replace")
        self._told = size
        return text if not text or text.endswith("\n") else f"{text}\n"

    def get_logs(self):
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")

    def get_address(self):
        return ADDRESS

    def get_endpoint_from_executor(self):
        return ADDRESS

    def get_runtime_endpoint(self):
        return f"http://{ADDRESS}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    @classmethod
    def prepare_version(cls, function_version):
        if not (function_version.config.runtime or "").startswith("provided"):
            raise LambdaRuntimeException("only runtimes that bring their own bootstrap run as a process")
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass
