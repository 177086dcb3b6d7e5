"""Fixtures: every coding tool against every provider format."""

import json
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

# Gateways are started as for the client libraries.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

import gateways
from clis import ClaudeCode, Codex, GeminiCli

CLIS = [ClaudeCode, Codex, GeminiCli]
WIRES = {
    "sim-openai": "openai_chat",
    "sim-responses": "openai_responses",
    "sim-anthropic": "anthropic",
    "sim-gemini": "gemini",
}
WORDS = "the lighthouse keeper has gone fishing"


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """A gateway with a simulated provider of every format."""
    demo = gateways.demo("clis-demo", tmp_path_factory.mktemp("demo"))
    yield demo
    demo.stop()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The folder the tools work in; `note.txt` has `WORDS`."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "note.txt").write_text(f"{WORDS}\n")
    return folder


@pytest.fixture(scope="session", params=WIRES)
def gateway(request, tmp_path_factory, demo, folder):
    """A gateway of one provider: `<tool>-plain` calls no tool, `<tool>-read` reads `note.txt` first."""
    provider = request.param
    models = {}
    for cli in CLIS:
        tool, arguments = cli.reading(folder / "note.txt")
        models[f"{cli.name}-plain"] = "echo?pace=0&calls=0"
        models[f"{cli.name}-read"] = f"echo?pace=0&tool={tool}&args={quote(json.dumps(arguments), safe='')}"
    home = tmp_path_factory.mktemp(provider)
    gateway = gateways.aliases(f"clis-{provider}", home, demo, WIRES[provider], provider, models)
    yield gateway
    gateway.stop()


@pytest.fixture(params=CLIS, ids=lambda cli: cli.name)
def cli(request):
    """A coding tool; the test is skipped if it is not installed."""
    if request.param.program() is None:
        name, package = request.param.name, request.param.package
        pytest.skip(f"{name} is neither on PATH nor in $OMNIROUTE_CLIS; it comes with: npm install {package}")
    return request.param()
