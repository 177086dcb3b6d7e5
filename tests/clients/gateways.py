"""Gateways as child processes: started on a free port, waited for, ended by their process id."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / "target" / "debug" / "omniroute"
LOGS = ROOT / "target" / "clients"

START_SECONDS = 20.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.02
# Between choosing a free port and listening on it, somebody else may take it.
START_ATTEMPTS = 3


class Gateway:
    """A running gateway. `stop` ends it; its log stays in `log`."""

    def __init__(self, name: str, arguments: list[str], home: Path, variables: dict[str, str] | None = None):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{name}.log"
        self._home = home
        self._variables = variables or {}
        for attempt in range(START_ATTEMPTS):
            self.port = free_port()
            self._start(arguments)
            if self._becomes_ready():
                return
            self.stop()
        raise RuntimeError(f"{' '.join(arguments)} was not ready; its log:\n{self.last_words()}")

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Ends the process: the interrupt of a terminal first, then the kill that always works."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def last_words(self, lines: int = 40) -> str:
        """Returns the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _start(self, arguments: list[str]) -> None:
        # The developer's own configuration, keys and `.env` stay out of the tests.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OMNIROUTE_")}
        environment |= {"HOME": str(self._home), "RUST_LOG": os.environ.get("RUST_LOG", "debug")}
        environment |= self._variables
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [BINARY, *arguments, "--port", str(self.port)],
                cwd=self._home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _becomes_ready(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as answer:
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(POLL_SECONDS)
        return False


def free_port() -> int:
    """Returns a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def demo(name: str, home: Path) -> Gateway:
    """Starts the gateway in front of its simulated providers."""
    return Gateway(name, ["demo"], home)


def configured(name: str, home: Path, wire: str, url: str, rest: str, variables: dict[str, str] | None = None) -> Gateway:
    """Starts a gateway whose only provider, `behind`, speaks `wire` at `url`; `rest` is what follows in its file."""
    config = home / "omniroute.yaml"
    config.write_text(
        f"""\
tunnel: direct
providers:
  behind:
    wire: {wire}
    base_url: {url}
    auth: {{ kind: none }}
    models:
{rest}"""
    )
    arguments = ["run", "--config", str(config), "--data-dir", str(home / "data"), "--no-open"]
    return Gateway(name, arguments, home, variables)


def guarded(name: str, home: Path, behind: Gateway, key: str) -> Gateway:
    """Starts a gateway that wants a client key and has another gateway as its only provider.

    Its one model is `behind/sim-openai/echo`.
    """
    rest = """\
      - { id: sim-openai/echo }
client_keys:
  - name: client-libraries
    key: ${CLIENT_KEY}
"""
    return configured(name, home, "openai_chat", behind.url, rest, {"CLIENT_KEY": key})


def aliases(name: str, home: Path, behind: Gateway, wire: str, provider: str, models: dict[str, str]) -> Gateway:
    """Starts a gateway that speaks `wire` to one provider of another gateway, and gives models names of its own.

    Clients that refuse `?` in a model's name can so ask for a simulated model with parameters.
    """
    lines = [f"      - {{ id: {provider}/echo }}", "aliases:"]
    lines += [f'  {alias}: "behind/{provider}/{model}"' for alias, model in models.items()]
    return configured(name, home, wire, behind.url, "\n".join(lines) + "\n")


def in_front_of(name: str, home: Path, wire: str, url: str) -> Gateway:
    """Starts a gateway whose only provider speaks `wire` at `url`.

    Its one model is `behind/m`, which searches the web.
    """
    return configured(name, home, wire, url, "      - { id: m, web_search_options: true }\n")

