#!/usr/bin/env python3
"""Calls a gateway as its users would, for the compiler to learn from: train.py GATEWAY BENCH [CALLS]

GATEWAY and BENCH are `omniroute` and `omniroute-bench`, built to count what they run (scripts/profile.sh). Every client
format calls every provider format, whole and streamed, short and long, with and without tools, CALLS times the usual
number; some over TLS and HTTP/2, for which a second gateway is the provider. Everything is on loopback, and every
answer has to be one.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

KEY = "sk-train-client-5c1d8f40b7a2"
LIMITS = "limits: { rpm: 100000000, tpm: 100000000000000, concurrent: 1000000 }"
WIRES = {"chat": "openai_chat", "responses": "openai_responses", "messages": "anthropic", "gemini": "gemini"}
PROSE = (
    "The build fails at the link step.\nIt says \"undefined symbol\" although the library is there; "
    "moving it behind the object files changes nothing. What else decides the order?\n    let x = y[0] + 1;\n"
)
SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string", "description": "Where."}, "lines": {"type": "integer"}},
    "required": ["path"],
}
# Body bytes, whether tools are offered, whether it is a stream, tokens of the answer, calls.
LOADS = [
    (2_000, False, False, 20, 600),
    (2_000, True, False, 20, 200),
    (2_000, False, True, 200, 30),
    (6_000, True, True, 60, 60),
    (100_000, True, False, 20, 12),
]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def turns(size, answers="assistant"):
    """Returns who says what in a conversation; it begins and ends with the user. `answers` is what the model is called."""
    count = max(1, size // 2_000) | 1
    each = (PROSE * (size // count // len(PROSE) + 1))[: size // count]
    return [(answers if at % 2 else "user", each) for at in range(count)]


def said(size):
    """The same, as three of the formats have it."""
    return [{"role": role, "content": text} for role, text in turns(size)]


def chat(model, size, tools, stream, serial):
    messages = [{"role": "system", "content": "You are careful."}, *said(size)]
    if tools:
        call = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": '{"path":"a.c"}'}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": "call_1", "content": PROSE})
    messages.append({"role": "user", "content": f"Question {serial}."})
    body = {"model": model, "messages": messages, "temperature": 0.7, "max_tokens": 1000}
    if tools:
        function = {"name": "read", "description": "Reads a file.", "parameters": SCHEMA}
        body["tools"] = [{"type": "function", "function": function}]
    if stream:
        body["stream"] = True
    return "/v1/chat/completions", body


def responses(model, size, tools, stream, serial):
    items = said(size)
    if tools:
        items.append({"type": "function_call", "call_id": "call_1", "name": "read", "arguments": '{"path":"a.c"}'})
        items.append({"type": "function_call_output", "call_id": "call_1", "output": PROSE})
    items.append({"role": "user", "content": [{"type": "input_text", "text": f"Question {serial}."}]})
    body = {"model": model, "instructions": "You are careful.", "input": items, "store": False}
    if tools:
        body["tools"] = [{"type": "function", "name": "read", "parameters": SCHEMA, "strict": False}]
    if stream:
        body["stream"] = True
    return "/v1/responses", body


def messages(model, size, tools, stream, serial):
    talk = said(size)
    if tools:
        use = {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a.c"}}
        talk.append({"role": "assistant", "content": [use]})
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": PROSE}
        talk.append({"role": "user", "content": [result, {"type": "text", "text": f"Question {serial}."}]})
    else:
        talk[-1]["content"] = [{"type": "text", "text": f"Question {serial}. {talk[-1]['content']}"}]
    body = {"model": model, "max_tokens": 1000, "system": "You are careful.", "messages": talk}
    if tools:
        body["tools"] = [{"name": "read", "description": "Reads a file.", "input_schema": SCHEMA}]
    if stream:
        body["stream"] = True
    return "/v1/messages", body


def gemini(model, size, tools, stream, serial):
    contents = [{"role": role, "parts": [{"text": text}]} for role, text in turns(size, "model")]
    if tools:
        contents.append({"role": "model", "parts": [{"functionCall": {"name": "read", "args": {"path": "a.c"}}}]})
        answer = {"name": "read", "response": {"output": PROSE}}
        contents.append({"role": "user", "parts": [{"functionResponse": answer}]})
    contents.append({"role": "user", "parts": [{"text": f"Question {serial}."}]})
    body = {"contents": contents, "generationConfig": {"maxOutputTokens": 1000}}
    if tools:
        body["tools"] = [{"functionDeclarations": [{"name": "read", "parameters": SCHEMA}]}]
    name = urllib.parse.quote(model, safe="")
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/{name}:{method}", body


FORMATS = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}


class Connection:
    """A kept-alive connection that reads as little of an answer as tells its end."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def call(self, path, body):
        text = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: train.test\r\nauthorization: Bearer {KEY}\r\nx-api-key: {KEY}\r\n"
            "content-type: application/json\r\naccept: */*\r\nanthropic-version: 2023-06-01\r\n"
            f"user-agent: train/1.0\r\ncontent-length: {len(text)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + text)
        status = self.file.readline()
        length = None
        while (line := self.file.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        pieces = []
        if length is not None:
            pieces.append(self.file.read(length))
        else:
            while (size := int(self.file.readline().split(b";")[0], 16)) > 0:
                pieces.append(self.file.read(size + 2))
            self.file.readline()
        if b" 200 " not in status:
            raise SystemExit(f"{path}: {status.decode().strip()}: {b''.join(pieces)[:300].decode()}")


def pair(port, client, provider, times):
    connection = Connection(port)
    for size, tools, stream, tokens, calls in LOADS:
        model = f"{provider}/m" if tools else f"{provider}/tokens?n={tokens}"
        for serial in range(int(calls * times)):
            connection.call(*FORMATS[client](model, size, tools, stream, serial))


def start(program, folder, upstream, far=None, tls=None):
    """Starts a gateway; returns its process and port. `far` are the port and certificate of another one."""
    port = free_port()
    folder.mkdir()
    lines = [f"server:\n  listen: 127.0.0.1:{port}\n  threads: 2\n  data_dir: {folder}/data"]
    if tls:
        lines.append(f"  tls: {{ cert: {tls}/cert.pem, key: {tls}/key.pem }}")
    providers = {name: (wire, f"http://127.0.0.1:{upstream}") for name, wire in WIRES.items()}
    if far:
        providers["far"] = ("openai_chat", f"https://localhost:{far[0]}")
    lines.append("tunnel: direct\nproviders:")
    for name, (wire, url) in providers.items():
        lines.append(f'  {name}: {{ wire: {wire}, base_url: "{url}", auth: {{ kind: static_key }} }}')
    lines.append("accounts:")
    for name in providers:
        lines.append(f"  - {{ id: {name}-1, provider: {name}, key: {KEY}, {LIMITS} }}")
    lines.append("pricing:")
    for name in providers:
        lines.append(f'  "{name}/*": {{ input: $1, output: $5 }}')
    budget = "budget: { limit: $1000000, period: monthly }"
    lines.append(f"client_keys:\n  - {{ name: train, key: {KEY}, {LIMITS}, {budget} }}")
    lines.append("filters:\n  api_key: { required: true }\n")
    config = folder / "omniroute.yaml"
    config.write_text("\n".join(lines))
    environment = {"HOME": str(folder)} | ({"SSL_CERT_FILE": str(far[1])} if far else {})
    log = open(folder / "log.jsonl", "w")
    command = [program, "run", "--no-open", "--log-format", "json", "--config", config]
    process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stderr=log)
    await_port(process, port, folder / "log.jsonl")
    return process, port


def await_port(process, port, log):
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"a process ended at its start: {log.read_text()[-2000:] if log else ''}")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("a process does not serve")


def run(gateway, bench, times, folder):
    upstream = free_port()
    sim = subprocess.Popen([bench, "upstream", "--listen", f"127.0.0.1:{upstream}"], stdin=subprocess.PIPE)
    await_port(sim, upstream, None)
    bare_port = free_port()
    bare = [bench, "bare-proxy", "--listen", f"127.0.0.1:{bare_port}", "--upstream", f"127.0.0.1:{upstream}"]
    bare = subprocess.Popen([*bare, "--threads", "2"], stdin=subprocess.PIPE)
    await_port(bare, bare_port, None)
    far, far_port = start(gateway, folder / "far", upstream, tls=folder)
    near, port = start(gateway, folder / "near", upstream, far=(far_port, folder / "cert.pem"))
    jobs = [(port, client, provider) for client in FORMATS for provider in WIRES]
    jobs += [(port, client, f"far/{provider}") for client, provider in (("chat", "chat"), ("messages", "messages"))]
    # The reference that benches compare with is to be built as well as the gateway.
    jobs += [(bare_port, "chat", "chat")] * 4
    failed = []

    def work():
        while jobs and not failed:
            try:
                pair(*jobs.pop(), times)
            except (SystemExit, OSError, ValueError) as error:
                failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read()
    # Ended as they would be, so that they write down what they counted.
    for process in (near, far):
        process.terminate()
    for process in (bare, sim):
        process.stdin.close()
    ended = [process.wait(60) for process in (near, far, bare, sim)]
    if failed or any(ended):
        raise SystemExit(failed[0] if failed else f"the processes ended with {ended}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    work_folder = Path(tempfile.mkdtemp(prefix="omniroute-train-"))
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    make += ["-keyout", work_folder / "key.pem", "-out", work_folder / "cert.pem", "-subj", "/CN=localhost"]
    subprocess.run([*make, "-addext", "subjectAltName=DNS:localhost"], check=True, stderr=subprocess.DEVNULL)
    (work_folder / "key.pem").chmod(0o600)
    try:
        run(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), float((sys.argv + ["1"])[3]), work_folder)
    finally:
        shutil.rmtree(work_folder)
