"""Every call, in the order in which a person would try them."""

import http.client
import json
import re
from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pymysql
from confluent_kafka import Producer

from .deployment import SHARDS, Deployment, client
from .hosts import Host
from .table import Table, Wrong, expect, until

SLA = {"name": "smoke", "objectives": [{"metric": "cpuUsage", "min": 0, "max": 100, "for": "1m", "target": 0.99}]}


_NAMED = f"/sla/{SLA['name']}"


class Answer(NamedTuple):
    """Of the API."""

    status: int
    document: object
    etag: str | None


class Calls:
    """Calls what was deployed, and fills the table."""

    def __init__(self, host: Host, deployment: Deployment):
        self.host, self.deployment, self.table = host, deployment, Table()
        # Methods and paths that were let in.
        self._called = set()

    def all(self) -> Table:
        check, name = self.table.check, self.deployment.outputs["EtlFunction"]
        operations = self._operations()
        for method, path in operations:
            refused = lambda: expect(self._call(method, _filled(path), token=None).status, 401)
            check(f"{method} {path} without a token", refused)
        check("GET / with a wrong token", lambda: expect(self._call("GET", "/", token="x" * 32).status, 401))
        reader = self.deployment.reader
        check("POST /ETL with a token that only reads", lambda: expect(self._call("POST", "/ETL", token=reader).status, 403))
        check("GET /nowhere", self._nowhere)

        run = check("POST /ETL", self._run)
        check("its shards, which etl invoked", lambda: _shards(run))
        check("its messages, stored by the Kafka trigger", lambda: until(lambda: self._stored(run), 60))
        check("POST /sla, which invokes etl", self._create_sla)
        check("GET /check_json, judged by that run", lambda: until(self._judged, 60))
        check("PUT /sla/{name}", self._put_sla)
        check("POST /sla/try, which asks etl too", self._try_sla)
        exclusion = check("POST /sla/{name}/exclusions", self._exclude)
        for method, path in operations:
            if method == "GET":
                check(f"GET {path}", lambda: self._read(_filled(path)))
        check("DELETE /sla/{name}/exclusions/{id}", lambda: self._take_back(exclusion))
        check("DELETE /sla/{name}", self._delete_sla)
        check("every route that openapi.json has", lambda: self._all_called(operations))
        check(f"Invoke {name} by the SDK", self._invoke)
        check(f"Invoke {name} asynchronously", self._invoke_asynchronously)
        check("a record that is no message, in dead_letter", lambda: until(self._poison(), 60))
        check("a run of the schedule", lambda: until(lambda: self._scheduled(run), 150))
        return self.table

    # ---- HTTP

    def _call(self, method, path, body=None, token="", host=None, if_match=None) -> Answer:
        """Calls a route through the REST API, or another host behind the gateway."""
        gateway = urlsplit(self.host.gateway)
        names = host or f"{self.deployment.outputs['ApiId']}.execute-api.localhost.localstack.cloud:{gateway.port}"
        headers = {"Host": names, "Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.deployment.writer}"
        if if_match is not None:
            headers["If-Match"] = if_match
        connection = http.client.HTTPConnection(gateway.hostname, gateway.port, timeout=60)
        text = None if body is None else json.dumps(body)
        connection.request(method, path if host else f"/v1{path}", text, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in (401, 403):
            self._called.add((method, path.partition("?")[0]))
        try:
            document = json.loads(content or "null")
        except ValueError:
            document = content.decode(errors="replace")
        return Answer(answer.status, document, answer.getheader("ETag"))

    def _send(self, method, path, body, wanted, **more):
        """Calls a route that has to answer with the status `wanted`, and returns the document."""
        answer = self._call(method, path, body, **more)
        expect(answer.status, wanted, answer.document)
        return answer.document

    def _get(self, path):
        return self._send("GET", path, None, 200)

    def _operations(self):
        """Every method and path."""
        paths = self._get("/openapi.json")["paths"]
        methods = {"get", "post", "put", "delete"}
        return [(method.upper(), path) for path, operations in paths.items() for method in operations if method in methods]

    def _all_called(self, operations):
        def called(method, path):
            pattern = re.sub(r"{\w+}", "[^/]+", path)
            return any(done[0] == method and re.fullmatch(pattern, done[1]) for done in self._called)

        expect([f"{method} {path}" for method, path in operations if not called(method, path)], [], "not called")
        return f"{len(operations)} of them"

    def _read(self, path):
        document = self._get(path)
        if path == "/":
            # Ready to be pasted: the stage is part of the address.
            without = [route["curl"] for route in document["routes"] if "/v1/" not in route["curl"]]
            expect(without, [], "commands without the stage")
        if path == "/forecasts/quality":
            # A forecast is scored 10 minutes after it was made.
            return f"200, {', '.join(document)}"
        for list_of in ("series", "metrics", "metadata", "predictions", "runs", "exclusions"):
            if list_of in document:
                if not document[list_of]:
                    raise Wrong("an empty list")
                return f"200, {len(document[list_of])} {list_of}"
        return f"200, {', '.join(list(document)[:6])}"

    def _nowhere(self):
        """The gateway's own answer: in AWS the template's 404; LocalStack reads no GatewayResponses, so here AWS's 403."""
        status = self._call("GET", "/nowhere").status
        return expect(status, 404 if status == 404 else 403)

    # ---- the pipeline

    def _run(self):
        return _told(self._send("POST", "/ETL", {}, 202))

    def _stored(self, run):
        """The run and a row for each of its series, once they are there."""
        runs = self._get("/runs?limit=100")["runs"]
        if not any(found["run_id"] == run["run_id"] for found in runs):
            return None
        rows = self._get(f"/metrics?as_of={run['as_of']}&window=12h&limit=1000")["metrics"]
        return f"{len(rows)} series" if len(rows) >= run["series"] > 0 else None

    def _create_sla(self):
        # An earlier trial on the same database may have left it.
        if self._call("GET", _NAMED).status == 200:
            self._delete_sla()
        document = self._send("POST", "/sla", SLA, 201)
        expect(document["evaluation"]["requested"], True, document["evaluation"])
        return f"201, version {document['version']}, run {document['evaluation']['run_id']}"

    def _judged(self):
        document = self._get(f"/check_json?sla={SLA['name']}")
        # A series that has ended has no data, for as long as the windows hold some of it: Prometheus may be an older one.
        states = {objective["state"] for objective in document["objectives"]}
        return states - {"no_data"} and f"{document['state']}, {len(document['objectives'])} objectives"

    def _put_sla(self):
        document = self._send("PUT", _NAMED, SLA, 200, if_match=self._call("GET", _NAMED).etag)
        return f"200, version {document['version']}"

    def _delete_sla(self):
        self._send("DELETE", _NAMED, None, 200, if_match=self._call("GET", _NAMED).etag)
        return "200"

    def _try_sla(self):
        document = self._send("POST", "/sla/try", {"objectives": SLA["objectives"]}, 200)
        return f"200, {', '.join(document)}"

    def _exclude(self):
        now = datetime.now(timezone.utc)
        span = {"from": f"{now - timedelta(minutes=2):%FT%TZ}", "to": f"{now:%FT%TZ}", "reason": "a smoke test"}
        return self._send("POST", f"{_NAMED}/exclusions", span, 201)["id"]

    def _take_back(self, exclusion):
        self._send("DELETE", f"{_NAMED}/exclusions/{exclusion}", None, 200)
        return "200"

    def _scheduled(self, first):
        """A run of the schedule that is later than the first run of these calls: the database may be an older one."""
        later = [run for run in self._get("/runs?limit=100")["runs"] if run["as_of"] > first["as_of"]]
        found = [run for run in later if run["trigger"] == "schedule" and run["series"] > 0]
        return found and _told(found[0])

    # ---- Lambda, Kafka, the database

    def _invoke(self):
        answer = client(self.host, "lambda").invoke(FunctionName=self.deployment.outputs["EtlFunction"], Payload=b"{}")
        document = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Wrong(document)
        return _told(document)

    def _invoke_asynchronously(self):
        function = self.deployment.outputs["EtlFunction"]
        answer = client(self.host, "lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")
        return expect(answer["StatusCode"], 202)

    def _poison(self):
        producer = Producer({"bootstrap.servers": self.host.kafka_brokers})
        producer.produce(self.deployment.topic, key="poison", value="no message at all")
        expect(producer.flush(20), 0, "messages left")
        query = "SELECT reason FROM dead_letter WHERE topic = %s"

        def found():
            address = urlsplit(self.host.database_url)
            connection = pymysql.connect(
                host=address.hostname, port=address.port, database=address.path.strip("/"),
                user=unquote(address.username or ""), password=unquote(address.password or ""),
            )  # fmt: skip
            with connection, connection.cursor() as cursor:
                cursor.execute(query, (self.deployment.topic,))
                row = cursor.fetchone()
                return row and row[0]

        return found


class _Run(dict):
    def __str__(self):
        return f"run {self['run_id'][:8]} at {self['as_of']}: {self['series']} series, {self['messages']} messages"


def _filled(path):
    """A path with the one name there is, and a number for what has one."""
    return path.replace("{name}", SLA["name"]).replace("{id}", "1")


def _shards(run):
    """The parts of a run that came back."""
    parts = [stage["stage"] for stage in run["stages"] if stage["stage"].startswith("shard ")]
    expect(len(parts), SHARDS, run["failures"])
    return ", ".join(parts)


def _told(document):
    """A run, short in the table."""
    if not document.get("series"):
        raise Wrong(f"a run without series: {document}")
    return _Run(document)
