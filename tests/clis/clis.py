"""The coding tools that the tests run, each without a terminal and with a home of its own.

A tool is found in `$OMNIROUTE_CLIS` (a folder of programs, such as `node_modules/.bin`), else on `PATH`.
Telemetry and updates are off; what a tool keeps, it keeps in the test's home.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# What a tool may take for one prompt, with its own start.
TIMEOUT_SECONDS = 60

# No tool checks it; a gateway without client keys takes any.
KEY = "any-key"


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    text: str
    output: str
    status: int


class Cli:
    """A coding tool; `reading` is the call by which it reads a file."""

    name: str
    # Where to get it, for the message of a skipped test.
    package: str

    @classmethod
    def program(cls) -> str | None:
        """Returns the path of the program, or `None` if there is none."""
        folder = os.environ.get("OMNIROUTE_CLIS")
        return shutil.which(cls.name, path=folder) if folder else shutil.which(cls.name)

    @classmethod
    def reading(cls, file: Path) -> tuple[str, dict[str, str]]:
        """Returns the tool that reads a file, and its arguments."""
        raise NotImplementedError

    def prepare(self, url: str, home: Path) -> dict[str, str]:
        """Writes the settings into the home and returns the variables."""
        raise NotImplementedError

    def arguments(self, model: str, prompt: str) -> list[str]:
        """Returns the command line behind the program."""
        raise NotImplementedError

    def answer(self, output: str) -> str:
        """Reads the final text from what the tool printed."""
        raise NotImplementedError

    def run(self, url: str, home: Path, folder: Path, model: str, prompt: str) -> Outcome:
        """Runs one prompt in a folder, against a gateway."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "NO_PROXY": "127.0.0.1",
            "TERM": "dumb",
            "CI": "1",
        }
        environment |= self.prepare(url, home)
        done = subprocess.run(
            [self.program(), *self.arguments(model, prompt)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
        text = self.answer(done.stdout) if done.returncode == 0 else ""
        return Outcome(text, done.stdout + done.stderr, done.returncode)


class ClaudeCode(Cli):
    """Claude Code speaks Anthropic Messages."""

    name = "claude"
    package = "@anthropic-ai/claude-code"

    @classmethod
    def reading(cls, file: Path) -> tuple[str, dict[str, str]]:
        return "Read", {"file_path": str(file)}

    def prepare(self, url: str, home: Path) -> dict[str, str]:
        return {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-plain",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_TELEMETRY": "1",
        }

    def arguments(self, model: str, prompt: str) -> list[str]:
        return ["-p", prompt, "--model", model, "--output-format", "json"]

    def answer(self, output: str) -> str:
        result = json.loads(output)
        assert not result["is_error"], result["result"]
        return result["result"]


class Codex(Cli):
    """Codex speaks OpenAI Responses."""

    name = "codex"
    package = "@openai/codex"

    @classmethod
    def reading(cls, file: Path) -> tuple[str, dict[str, str]]:
        return "exec_command", {"cmd": f"cat {file}"}

    def prepare(self, url: str, home: Path) -> dict[str, str]:
        (home / "config.toml").write_text(
            f"""\
model_provider = "gateway"
check_for_update_on_startup = false

[model_providers.gateway]
name = "gateway"
base_url = "{url}/v1"
env_key = "GATEWAY_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false

[feedback]
enabled = false
"""
        )
        return {"CODEX_HOME": str(home), "GATEWAY_KEY": KEY}

    def arguments(self, model: str, prompt: str) -> list[str]:
        # Its sandbox needs rights that a container may lack; the one command it runs is the test's own.
        unguarded = "--dangerously-bypass-approvals-and-sandbox"
        return ["exec", "--json", "--skip-git-repo-check", unguarded, "-m", model, prompt]

    def answer(self, output: str) -> str:
        events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        items = [event["item"] for event in events if event["type"] == "item.completed"]
        return [item["text"] for item in items if item["type"] == "agent_message"][-1]


class GeminiCli(Cli):
    """Gemini CLI speaks Google's `generateContent`."""

    name = "gemini"
    package = "@google/gemini-cli"

    @classmethod
    def reading(cls, file: Path) -> tuple[str, dict[str, str]]:
        return "read_file", {"file_path": str(file)}

    def prepare(self, url: str, home: Path) -> dict[str, str]:
        settings = home / ".gemini" / "settings.json"
        settings.parent.mkdir(parents=True, exist_ok=True)
        chosen = {
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "privacy": {"usageStatisticsEnabled": False},
            "telemetry": {"enabled": False},
            "general": {"enableAutoUpdate": False},
        }
        settings.write_text(json.dumps(chosen))
        return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": KEY}

    def arguments(self, model: str, prompt: str) -> list[str]:
        return ["-p", prompt, "-m", model, "-o", "json", "--yolo", "--skip-trust"]

    def answer(self, output: str) -> str:
        return json.loads(output[output.index("{") :])["response"]
