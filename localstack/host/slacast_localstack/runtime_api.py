"""The Lambda Runtime API (2018-06-01) of one function instance, on a free port of loopback."""

import http.client
import json
import queue
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS = "127.0.0.1"
_RUNTIME = "/2018-06-01/runtime"
_OUTCOME = re.compile(rf"{_RUNTIME}/invocation/([^/]+)/(response|error)")
# Names under the gateway's own domain resolve nowhere but on the internet: functions reach them through here.
_THROUGH = re.compile(r"/through/([^/]+)(/.*)")
_LONGEST_BODY = 16 << 20


def error_document(kind: str, message: str) -> bytes:
    """An error as the Runtime API writes it."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class RuntimeApi:
    """Hands invocations to a process that asks for the next one, and takes what becomes of them."""

    def __init__(self, gateway_port: int):
        self.gateway_port = gateway_port
        self.outcomes: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        self.asked = threading.Event()
        self.failed_start: bytes | None = None
        self._invocations: queue.Queue[dict | None] = queue.Queue()
        self._server = ThreadingHTTPServer((ADDRESS, 0), _Handler)
        self._server.daemon_threads = True
        self._server.runtime_api = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_port

    def invoke(self, invocation: dict) -> None:
        self._invocations.put(invocation)

    def next(self) -> dict | None:
        """The next invocation; `None` to a process that is being stopped."""
        self.asked.set()
        return self._invocations.get()

    def forget(self) -> None:
        """The process has ended: whoever waits for it is let go, and the next one begins anew."""
        self._invocations.put(None)
        self._invocations, self.outcomes = queue.Queue(), queue.Queue()
        self.asked.clear()
        self.failed_start = None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    @property
    def api(self) -> RuntimeApi:
        return self.server.runtime_api

    def do_GET(self):
        if self.path != f"{_RUNTIME}/invocation/next":
            return self._forward()
        invocation = self.api.next()
        if invocation is None:
            self.close_connection = True
            return None
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation["invoke-id"],
            "Lambda-Runtime-Deadline-Ms": invocation["deadline-ms"],
            "Lambda-Runtime-Invoked-Function-Arn": invocation["invoked-function-arn"],
            "Lambda-Runtime-Trace-Id": invocation["trace-id"],
        }
        return self._answer(200, invocation["payload"].encode(), headers)

    def do_POST(self):
        if outcome := _OUTCOME.fullmatch(self.path):
            self.api.outcomes.put((outcome[1], self._body(), outcome[2] == "error"))
        elif self.path == f"{_RUNTIME}/init/error":
            self.api.failed_start = self._body()
            self.api.asked.set()
        else:
            return self._forward()
        return self._answer(202, b'{"status":"OK"}')

    do_PUT = do_DELETE = do_POST

    def _forward(self):
        """Passes a request on to the gateway, under the name that it was meant for."""
        through = _THROUGH.fullmatch(self.path)
        if not through:
            return self._answer(404)
        connection = http.client.HTTPConnection(ADDRESS, self.api.gateway_port, timeout=120)
        kept = {name: value for name, value in self.headers.items() if name.lower() in ("authorization", "content-type")}
        connection.request(self.command, through[2], self._body(), kept | {"Host": through[1]})
        answer = connection.getresponse()
        return self._answer(answer.status, answer.read(_LONGEST_BODY), {"Content-Type": answer.headers["Content-Type"]})

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _LONGEST_BODY))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _answer(self, status: int, body: bytes = b"", headers: dict | None = None):
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
            self.send_header(name, str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
