"""A provider that answers every request with one recorded stream: what the simulated ones do not say."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Iterator

RECORDINGS = Path(__file__).resolve().parents[2] / "crates" / "wire" / "tests" / "fixtures"


@contextmanager
def playing(recording: str) -> Iterator[str]:
    """Plays `<format>/streams/<name>.sse` of the golden tree, and gives the provider's address."""
    stream = (RECORDINGS / recording).read_bytes()

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(stream)))
            self.end_headers()
            self.wfile.write(stream)

        def log_message(self, *_: object) -> None:
            """Says nothing: the gateway's log says it all."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
