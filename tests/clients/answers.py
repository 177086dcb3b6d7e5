"""What the tests ask and compare, in words that belong to no vendor.

Each client library has an adapter (`openai_sdk.py`, `openai_responses_sdk.py`, `anthropic_sdk.py`,
`google_sdk.py`) with the same methods, so that one test runs over all of them and all provider formats:

- `history(text, image, role)`: a conversation of one message, in the library's own types
- `with_message(history, answer)`: the conversation after a whole answer
- `with_results(history, answer, results)`: the conversation after tool calls and their results
- `ask(model, history, wish)` and `stream(model, history, wish)`: an `Answer`; a stream fills the one it is
  given, so that a test can look at it after the stream broke
- `models()`: the names in the list of models
- `status(error)`, `retry_after(error)`: what an exception of the library says
- `STOPS`: the library's words for why an answer ended; `FAILURES`: its exceptions
"""

import time
from dataclasses import dataclass, field
from typing import Any

# A PNG of one pixel.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

# The demo's models speak slowly, so that people can watch; most tests need not.
QUICK = "pace=2ms"

# What an SDK waits for one reply, in seconds.
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Tool:
    """A function that the model may call; every parameter is a required text."""

    name: str
    description: str
    parameters: tuple[str, ...]

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of its arguments."""
        properties = {name: {"type": "string"} for name in self.parameters}
        return {"type": "object", "properties": properties, "required": list(self.parameters)}


@dataclass(frozen=True)
class Wish:
    """What a request asks for besides the conversation."""

    system: str | None = None
    tools: tuple[Tool, ...] = ()
    limit: int | None = None
    thinks: bool = False
    # Members that the library does not know; they go into the body as they are.
    raw: dict[str, Any] | None = None


@dataclass(frozen=True)
class Call:
    """A tool call."""

    id: str | None
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Usage:
    """Tokens of a request and of its answer, with reasoning."""

    input: int
    output: int


@dataclass
class Answer:
    """One reply, whole or put together from a stream."""

    text: str = ""
    thoughts: str = ""
    calls: list[Call] = field(default_factory=list)
    stop: str | None = None
    usage: Usage | None = None
    headers: dict[str, str] = field(default_factory=dict)
    # The texts of a stream in the order they came; empty for a whole reply.
    pieces: list[str] = field(default_factory=list)
    # When each piece came, in seconds of a clock that only goes forward.
    times: list[float] = field(default_factory=list)
    # The assistant's message in the library's own types, for the next request.
    message: Any = None

    def hear(self, piece: str) -> None:
        """Adds a piece of streamed text."""
        self.pieces.append(piece)
        self.times.append(time.monotonic())

    @property
    def attempts(self) -> int:
        """How many attempts the gateway says it made."""
        return int(self.headers["x-omniroute-attempts"])


@dataclass(frozen=True)
class Failure:
    """How a library reports a kind of error."""

    exception: type[Exception]
    status: int
    # The vendor's own name of the error, where the tests fix one.
    word: str | None = None
