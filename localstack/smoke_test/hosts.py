"""LocalStack and the servers around it: in Docker if an engine answers, else as processes of this machine."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .processes import Process, free_port

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".local" / "localstack"
_SERVERS = ("DATABASE_URL", "KAFKA_BROKERS", "PROMETHEUS_URL")


@dataclass
class Host:
    """Where everything is, as this machine and as the functions see it: both are on one loopback."""

    name: str
    gateway: str
    database_url: str
    kafka_brokers: str
    prometheus_url: str
    metrics_file: str


@contextlib.contextmanager
def running():
    """The host that this machine can run, while the block lasts."""
    with _docker() if _engine_answers() else _processes() as host:
        yield host


def _engine_answers() -> bool:
    if not shutil.which("docker"):
        return False
    try:
        asked = subprocess.run(["docker", "compose", "ls"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


@contextlib.contextmanager
def _docker():
    # Another checkout's containers are left alone.
    project = f"slacast-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
    compose = ["docker", "compose", "--project-name", project, "--file", str(ROOT / "localstack" / "compose.yaml")]
    try:
        print("compose: starting", flush=True)
        subprocess.run([*compose, "up", "--build", "--detach", "--wait", "--quiet-pull"], check=True)
        yield Host(
            name="Docker",
            gateway="http://127.0.0.1:4566",
            database_url="mysql://root:slacast@127.0.0.1:3306/DataStorage",
            kafka_brokers="127.0.0.1:9092",
            prometheus_url="http://127.0.0.1:9090",
            metrics_file="/slacast/metrics.toml",
        )
    finally:
        subprocess.run([*compose, "down", "--volumes", "--timeout", "10"], check=False)


@contextlib.contextmanager
def _processes():
    with contextlib.ExitStack() as stack:
        servers = _servers(stack)
        gateway = _localstack(stack)
        yield Host(
            name="processes",
            gateway=gateway,
            database_url=servers["DATABASE_URL"],
            kafka_brokers=servers["KAFKA_BROKERS"],
            prometheus_url=servers["PROMETHEUS_URL"],
            metrics_file=str(ROOT / "metrics.toml"),
        )


def _servers(stack) -> dict:
    """MySQL, Kafka and Prometheus: those that the environment names, else those of the laptop tool."""
    if all(os.environ.get(name) for name in _SERVERS):
        return {name: os.environ[name] for name in _SERVERS}
    print("servers: starting", flush=True)
    # Built first: cargo hands no signal on to what it runs.
    tool = subprocess.run(
        ["cargo", "build", "--profile", "local", "--package", "local", "--message-format", "json-render-diagnostics"],
        cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    program = re.findall(r'"executable":"([^"]*/local)"', tool.stdout)[-1]
    log = DATA / "servers.log"
    process = stack.enter_context(Process([program, "servers", "--data", str(ROOT / ".local")], log, directory=ROOT))

    def told():
        lines = log.read_text(errors="replace").splitlines()
        return dict(re.findall(r"^([A-Z_]+)=(.*)$", "\n".join(lines), re.M)) if "ready" in lines else None

    return process.until(told, patience_seconds=900)


def _localstack(stack) -> str:
    port = free_port()
    gateway = f"http://127.0.0.1:{port}"
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "SSL_CERT_FILE") if name in os.environ} | {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "GATEWAY_SERVER": "loopback",
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "LOCALSTACK_HOST": f"localhost.localstack.cloud:{port}",
        "FILESYSTEM_ROOT": str(DATA / "filesystem"),
        "DISABLE_EVENTS": "1",
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
    }
    python = _environment()
    print("LocalStack: starting", flush=True)
    shutil.rmtree(DATA / "filesystem", ignore_errors=True)
    command = [str(python), "-m", "localstack.runtime.main"]
    process = stack.enter_context(Process(command, DATA / "localstack.log", environment, directory=DATA))

    def healthy():
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{gateway}/_localstack/health", timeout=2)
        return None

    process.until(healthy, patience_seconds=120)
    return gateway


def _environment() -> Path:
    """The Python of an environment with LocalStack and the plugin in it."""
    host = ROOT / "localstack" / "host"
    sources = [host / "requirements.txt", host / "pyproject.toml", *sorted((host / "slacast_localstack").glob("*.py"))]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    environment, mark = DATA / "environment", DATA / "environment.digest"
    python = environment / "bin" / "python"
    if not (mark.exists() and mark.read_text() == digest):
        print("LocalStack: installing", flush=True)
        shutil.rmtree(environment, ignore_errors=True)
        subprocess.run([_python(), "-m", "venv", str(environment)], check=True)
        # Built from a copy, so that the build leaves nothing in the sources.
        source = DATA / "host"
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(host, source)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "--requirement", str(host / "requirements.txt")], check=True)
        subprocess.run([*install, "--no-deps", "--no-build-isolation", str(source)], check=True)
        mark.write_text(digest)
    return python


def _python() -> str:
    """A Python that LocalStack runs on."""
    names = [f"python3.{minor}" for minor in range(14, 11, -1)]
    versions = sorted(Path.home().glob(".pyenv/versions/3.1[2-4].*/bin/python"), reverse=True)
    for candidate in [*filter(None, map(shutil.which, names)), *map(str, versions), sys.executable]:
        asked = subprocess.run(
            [candidate, "-c", "import sys, venv; print(sys.version_info >= (3, 12))"],
            capture_output=True, check=False, text=True,
        )  # fmt: skip
        if asked.stdout.strip() == "True":
            return candidate
    raise RuntimeError("without a Docker engine this needs Python 3.12 or later with venv, or a Docker engine")
