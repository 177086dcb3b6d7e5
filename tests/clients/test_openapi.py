"""The administration's API against requests that are made of its own description: nothing may be a 5xx."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import gateways

ADMIN_KEY = "the-key-of-the-administrator"
AUTHORIZATION = f"Bearer {ADMIN_KEY}"

# For the whole run; `CASES` of each operation end it earlier on a machine that is not busy.
SECONDS = 45
CASES = 10
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# They take the administrator's login away, or guess at it until the address is locked.
LEFT_OUT = "^/api/auth/(login|password|setup)$"
LEFT_OUT_OPERATIONS = ["delete_auth_sessions"]
# Operations that may be left out; all others have to be tried.
MOST_LEFT_OUT = 4

# Without a provider that could serve, a gateway does not become ready.
CONFIG = """\
tunnel: direct
providers:
  nobody: { wire: openai_chat, base_url: "http://127.0.0.1:9", auth: { kind: none }, models: [{ id: echo }] }
  chat: { wire: openai_chat, base_url: "http://127.0.0.1:9", auth: { kind: static_key, header: authorization, scheme: Bearer } }
client_keys:
  - { name: boss, key: "${ADMIN_KEY}", scopes: [admin] }
"""

# What names in paths are. `DELETE` makes up its own, or nothing would be there for the others.
NAMES = {
    "accounts": "main",
    "aliases": "a/b",
    "combos": "mine",
    "fallback-chains": "chain",
    "keys": "team",
    "models": "chat/own",
    "prices": "chat/echo",
    "profiles": "calm",
    "provider-nodes": "far",
}
# Objects that are there from the start, so that more than 404s is met.
OBJECTS = [
    ("provider-nodes", {"id": "far", "wire": "openai_chat", "base_url": "https://provider.invalid", "auth": {"kind": "none"}}),
    ("accounts", {"id": "main", "provider": "chat", "key": "sk-of-nobody"}),
    ("combos", {"name": "mine", "targets": ["chat/echo"]}),
    ("aliases", {"name": "a/b", "target": "chat/echo"}),
    ("fallback-chains", {"name": "chain", "targets": ["chat/echo"]}),
    ("models", {"id": "chat/own"}),
    ("prices", {"model": "chat/echo", "input": "$1", "output": "$2"}),
    ("profiles", {"name": "calm", "failure_threshold": 9}),
    ("keys", {"name": "team"}),
]


@pytest.fixture
def administered(tmp_path):
    """A gateway with an administrator's key and one object of each kind."""
    config = tmp_path / "omniroute.yaml"
    config.write_text(CONFIG)
    arguments = ["run", "--config", str(config), "--data-dir", str(tmp_path / "data"), "--no-open"]
    variables = {"ADMIN_KEY": ADMIN_KEY, "RUST_LOG": "info"}
    gateway = gateways.Gateway("openapi", arguments, tmp_path, variables)
    yield gateway
    gateway.stop()


def call(gateway, method: str, path: str, body=None) -> bytes:
    """Sends a request that has to succeed; returns its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(gateway.url + path, data, {"authorization": AUTHORIZATION}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        pytest.fail(f"{method} {path}: {error.code} {error.read().decode()}")


def settings(folder: Path, backup: str) -> Path:
    """Writes schemathesis' own settings: names in paths are those of objects that are there."""
    named = {f"/api/{collection}/{{name}}": ("name", name) for collection, name in NAMES.items()}
    named["/api/accounts/{name}/test"] = ("name", "main")
    named |= {f"/api/providers/{{id}}{end}": ("id", "main") for end in ["", "/test"]}
    named["/api/db-backups/{id}/restore"] = ("id", backup)
    operations = [
        f"[[operations]]\ninclude-path = {json.dumps(path)}\nexclude-method = \"DELETE\"\n"
        f"parameters = {{ {field} = {json.dumps(name)} }}\n"
        for path, (field, name) in named.items()
    ]
    file = folder / "schemathesis.toml"
    file.write_text("\n".join(operations))
    return file


def test_no_request_that_fits_the_description_or_nearly_does_is_a_fault_of_the_gateway(administered, tmp_path):
    for collection, value in OBJECTS:
        call(administered, "POST", f"/api/{collection}", value)
    backup = json.loads(call(administered, "PUT", "/api/db-backups"))["id"]
    text = call(administered, "GET", "/api/openapi.json")
    document, file = json.loads(text), tmp_path / "openapi.json"
    file.write_bytes(text)
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", settings(tmp_path, backup), "run", file]
    command += ["--url", administered.url, "--header", f"Authorization: {AUTHORIZATION}", "--checks", CHECKS]
    command += ["--phases", "coverage,fuzzing", "--max-time", str(SECONDS), "--max-examples", str(CASES)]
    command += ["--generation-deterministic", "--continue-on-failure", "--warnings", "off", "--exclude-path-regex", LEFT_OUT]
    # Most texts that it makes up cannot stand in a path.
    command += ["--suppress-health-check", "filter_too_much"]
    for operation in LEFT_OUT_OPERATIONS:
        command += ["--exclude-operation-id", operation]

    # A folder of its own, so that it finds no settings and leaves no files in the repository.
    ran = subprocess.run(command, cwd=tmp_path, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True, timeout=4 * SECONDS)

    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
    tried = re.search(r"Tested: (\d+)", ran.stdout)
    operations = sum(len(item) for item in document["paths"].values())
    assert tried and int(tried[1]) >= operations - MOST_LEFT_OUT, ran.stdout[-2000:]
    # What was thrown at it left it whole.
    assert json.loads(call(administered, "GET", "/api/audit/verify"))["ok"]
