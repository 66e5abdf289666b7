"""A server of the files of a folder that misbehaves on demand, one answer at a time."""

import re
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType


@dataclass(frozen=True)
class Request:
    path: str
    range: str  # the header, "" without one
    time: float = field(compare=False)


@dataclass(frozen=True)
class Answer:
    """What one request gets instead of the file; all of it as it should be if nothing is set."""

    status: int = 0
    location: str = ""
    body: bytes | None = None  # other content
    announced: int | None = None  # the Content-Length, if it is not that of the body
    end: int | None = None  # no more of the body is sent
    reset: bool = False  # and then the connection is reset, not closed
    stall: bool = False  # and then nothing comes until the server stops
    ranges: bool = True
    before: Callable[[], object] | None = None  # called before anything is sent


def status(code: int) -> Answer:
    return Answer(status=code, body=b"<html>not the file</html>\n" * 5)


def cut(after: int) -> Answer:
    """The connection breaks down after this many bytes of the body."""
    return Answer(end=after, reset=True)


def early(after: int) -> Answer:
    """The server closes the connection in order, but before it has sent all that it announced."""
    return Answer(end=after)


def short(length: int) -> Answer:
    """The server announces less than the file has, and sends that."""
    return Answer(end=length, announced=length)


def stall(after: int) -> Answer:
    return Answer(end=after, stall=True)


def garbage(body: bytes) -> Answer:
    return Answer(body=body, ranges=False)


def redirect(location: str) -> Answer:
    return Answer(status=302, location=location, body=b"moved")


WHOLE = Answer(ranges=False)


class Server:
    """Serves ``folder`` at ``address``; ``queue`` says how to answer the next requests of a path.

    with Server(folder) as server:
        server.queue("/train.de.gz", status(503), cut(100))
        ...
        assert [request.range for request in server.requests] == ["", "", "bytes=100-"]
    """

    def __init__(self, folder: Path, ranges: bool = True) -> None:
        self.folder = folder
        self.ranges = ranges
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_of": self}))
        self.address = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "Server":
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()

    def queue(self, path: str, *answers: Answer) -> None:
        with self._lock:
            self._answers[path].extend(answers)

    def ranges_of(self, path: str) -> list[str]:
        return [request.range for request in self.requests if request.path == path]

    def begin(self, path: str, wanted: str) -> Answer:
        with self._lock:
            self.requests.append(Request(path, wanted, time.monotonic()))
            return self._answers[path].pop(0) if self._answers[path] else Answer(ranges=self.ranges)


class _Handler(BaseHTTPRequestHandler):
    server_of: Server

    def do_GET(self) -> None:
        server, path = self.server_of, self.path.partition("?")[0]
        answer = server.begin(path, self.headers.get("Range", ""))
        try:
            if answer.before is not None:
                answer.before()
            self._answer(answer, server.folder / path.lstrip("/"))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client is gone

    def _answer(self, answer: Answer, file: Path) -> None:
        code, first, total = answer.status or 200, 0, 0
        if answer.body is not None:
            body = answer.body
        elif file.is_file():
            body = file.read_bytes()
        else:
            code, body = 404, b"no such file\n"
        total = len(body)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if code == 200 and asked is not None and answer.ranges and self.server_of.ranges:
            first, last = int(asked[1]), min(int(asked[2] or total - 1), total - 1)
            code, body = (206, body[first : last + 1]) if first < total else (416, b"")
        self.send_response(code)
        if code == 206:
            self.send_header("Content-Range", f"bytes {first}-{first + len(body) - 1}/{total}")
        elif code == 416:
            self.send_header("Content-Range", f"bytes */{total}")
        if answer.location:
            self.send_header("Location", answer.location)
        self.send_header("Content-Length", str(len(body) if answer.announced is None else answer.announced))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[: answer.end])
        self.wfile.flush()
        if answer.stall:
            self.server_of.stopping.wait(60)
        if answer.reset:
            time.sleep(0.05)  # what was sent arrives before the reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        pass
