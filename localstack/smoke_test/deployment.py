"""The template, deployed to LocalStack with `./deploy`, as a person deploys it to an account."""

import json
import os
import platform
import re
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import boto3

from .hosts import DATA, ROOT, Host

STACK = "slacast"
SHARDS = 2
_REGION = "eu-west-1"


@dataclass
class Deployment:
    """What was deployed and how to get in."""

    outputs: dict
    writer: str
    reader: str
    topic: str


def client(host: Host, service: str):
    """A client of one of LocalStack's APIs."""
    return boto3.client(
        service, endpoint_url=host.gateway, region_name=_REGION,
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip


def deploy(host: Host) -> Deployment:
    """Stores the secrets, deploys, and has the functions make topic and tables."""
    writer, reader, topic = secrets.token_hex(16), secrets.token_hex(16), f"smoke-{secrets.token_hex(4)}"
    database = urlsplit(host.database_url)
    login = {"username": unquote(database.username or ""), "password": unquote(database.password or "")}
    parameters = {
        "Architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
        "DatabaseUrl": f"mysql://{database.hostname}:{database.port}{database.path}",
        "DatabaseSecretArn": _secret(host, "database", login),
        "ApiTokensSecretArn": _secret(host, "api-tokens", {"tokens": f"{writer},ro:{reader}"}),
        "KafkaBrokers": host.kafka_brokers,
        "KafkaTopic": topic,
        "KafkaConsumerGroup": topic,
        "PrometheusUrl": host.prometheus_url,
        "MetricsFile": host.metrics_file,
        "Shards": str(SHARDS),
    }
    environment = os.environ | {
        "AWS_ENDPOINT_URL": host.gateway,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": _REGION,
    }
    if programs := os.environ.get("FUNCTIONS"):
        environment["BUILT_TEMPLATE"] = str(_with_programs(Path(programs).resolve()))
    command = [str(ROOT / "deploy"), STACK, *(f"{name}={value}" for name, value in parameters.items())]
    print("deploying", flush=True)
    log = DATA / "deploy.log"
    with log.open("w") as output:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError("the template cannot be deployed:\n" + "\n".join(log.read_text().splitlines()[-40:]))
    described = client(host, "cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    return Deployment(outputs, writer, reader, topic)


def _secret(host: Host, name: str, values: dict) -> str:
    created = client(host, "secretsmanager").create_secret(Name=f"{STACK}-{name}", SecretString=json.dumps(values))
    return created["ARN"]


def _with_programs(programs: Path) -> Path:
    """The template as `sam build` leaves it, with programs that are there already."""
    text = (ROOT / "template.yaml").read_text()
    for name in ("etl", "storage", "retrieval", "sla", "alerting"):
        code = DATA / "functions" / name
        code.mkdir(parents=True, exist_ok=True)
        bootstrap = code / "bootstrap"
        bootstrap.write_bytes((programs / name).read_bytes())
        bootstrap.chmod(0o755)
        text = re.sub(rf"(Binary: {name}\n    Properties:\n)", rf"\1      CodeUri: {code}\n", text)
    text = text.replace("ContentUri: layer", f"ContentUri: {ROOT / 'layer'}")
    built = DATA / "template.yaml"
    built.write_text(text)
    return built
