"""Every call, in the order in which a person would try them."""

import http.client
import json
from urllib.parse import unquote, urlsplit

import pymysql
from confluent_kafka import Producer

from .deployment import SHARDS, Deployment, client
from .hosts import Host
from .table import Table, Wrong, expect, until

SLA = {"name": "smoke", "objectives": [{"metric": "cpuUsage", "min": 0, "max": 100, "for": "1m"}]}


class Calls:
    """Calls what was deployed, and fills the table."""

    def __init__(self, host: Host, deployment: Deployment):
        self.host, self.deployment, self.table = host, deployment, Table()

    def all(self) -> Table:
        check, name = self.table.check, self.deployment.outputs["EtlFunction"]
        operations = check("GET /openapi.json", self._operations) or []
        for method, path in operations:
            check(f"{method} {path} without a token", lambda: expect(self._call(method, path, token=None)[0], 401))
        check("GET / with a wrong token", lambda: expect(self._call("GET", "/", token="x" * 32)[0], 401))
        reader = self.deployment.reader
        check("POST /ETL with a token that only reads", lambda: expect(self._call("POST", "/ETL", token=reader)[0], 403))
        # The gateway's own answer to a path that it does not have.
        check("GET /nowhere", lambda: expect(self._call("GET", "/nowhere")[0], 403))

        run = check("POST /ETL", self._run)
        check("its shards, which etl invoked", lambda: _shards(run))
        check("its messages, stored by the Kafka trigger", lambda: until(lambda: self._stored(run), 60))
        check("POST /sla, which asks etl by its function URL", self._create_sla)
        check("GET /check_json, judged by that run", lambda: until(self._judged, 60))
        for method, path in operations:
            if method == "GET":
                check(f"GET {path}", lambda: self._read(path))
        check("POST /ETL by the function URL", self._run_by_function_url)
        check(f"Invoke {name} by the SDK", self._invoke)
        check(f"Invoke {name} asynchronously", self._invoke_asynchronously)
        check("a record that is no message, in dead_letter", lambda: until(self._poison(), 60))
        check("a run of the schedule", lambda: until(lambda: self._scheduled(run), 150))
        return self.table

    # ---- HTTP

    def _call(self, method, path, body=None, token="", host=None):
        """Calls a route through the REST API, or another host behind the gateway."""
        gateway = urlsplit(self.host.gateway)
        names = host or f"{self.deployment.outputs['ApiId']}.execute-api.localhost.localstack.cloud:{gateway.port}"
        headers = {"Host": names, "Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.deployment.writer}"
        connection = http.client.HTTPConnection(gateway.hostname, gateway.port, timeout=60)
        text = None if body is None else json.dumps(body)
        connection.request(method, path if host else f"/v1{path}", text, headers)
        answer = connection.getresponse()
        content = answer.read()
        try:
            return answer.status, json.loads(content or "null")
        except ValueError:
            return answer.status, content.decode(errors="replace")

    def _get(self, path):
        status, document = self._call("GET", path)
        expect(status, 200, document)
        return document

    def _operations(self):
        """Every method and path, with the one name there is."""
        paths = self._get("/openapi.json")["paths"]
        methods = {"get", "post", "put", "delete"}
        return [
            (method.upper(), path.replace("{name}", SLA["name"]))
            for path, operations in paths.items()
            for method in operations
            if method in methods and "{" not in path.replace("{name}", "")
        ]

    def _read(self, path):
        document = self._get(path)
        for list_of in ("series", "metrics", "metadata", "predictions", "runs"):
            if list_of in document:
                if not document[list_of]:
                    raise Wrong("an empty list")
                return f"200, {len(document[list_of])} {list_of}"
        return f"200, {', '.join(list(document)[:6])}"

    # ---- the pipeline

    def _run(self):
        status, document = self._call("POST", "/ETL", {})
        expect(status, 202, document)
        return _told(document)

    def _run_by_function_url(self):
        host = urlsplit(self.deployment.outputs["EtlUrl"]).netloc
        status, document = self._call("POST", "/ETL", {}, host=host)
        expect(status, 202, document)
        return _told(document)

    def _stored(self, run):
        """The run and a row for each of its series, once they are there."""
        runs = self._get("/runs?limit=100")["runs"]
        if not any(found["run_id"] == run["run_id"] for found in runs):
            return None
        rows = self._get(f"/metrics?as_of={run['as_of']}&window=12h&limit=1000")["metrics"]
        return f"{len(rows)} series" if len(rows) >= run["series"] > 0 else None

    def _create_sla(self):
        # An earlier trial on the same database may have left it.
        status, found = self._call("GET", f"/sla/{SLA['name']}")
        if status == 200:
            return f"200, version {found['version']} is there already"
        status, document = self._call("POST", "/sla", SLA)
        expect(status, 201, document)
        expect(document["evaluation"]["requested"], True, document["evaluation"])
        return f"201, run {document['evaluation']['run_id']}"

    def _judged(self):
        document = self._get(f"/check_json?sla={SLA['name']}")
        # A series that has only just begun has no data yet.
        states = {objective["state"] for objective in document["objectives"]}
        return states - {"no_data"} and f"{document['state']}, {len(document['objectives'])} objectives"

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
