"""The official Anthropic library, Messages."""

import json
from typing import Any

import anthropic

from answers import PIXEL, TIMEOUT_SECONDS, Answer, Call, Failure, Usage, Wish

STOPS = {"end": "end_turn", "length": "max_tokens", "calls": "tool_use"}

# The API wants a limit always, and one above the least thinking budget (1024) when it is to think.
DEFAULT_LIMIT = 256
THINKING_BUDGET = 1024


class Anthropic:
    """Asks a gateway through `anthropic.Anthropic`."""

    name = "anthropic"
    STOPS = STOPS
    FAILURES = {
        "malformed": Failure(anthropic.BadRequestError, 400, "invalid_request_error"),
        "unauthenticated": Failure(anthropic.AuthenticationError, 401, "authentication_error"),
        "unknown_model": Failure(anthropic.NotFoundError, 404, "not_found_error"),
        "rate_limited": Failure(anthropic.RateLimitError, 429, "rate_limit_error"),
        "bad_gateway": Failure(anthropic.InternalServerError, 502, "api_error"),
    }
    BROKEN_STREAM = anthropic.APIStatusError
    ANY_ERROR = anthropic.APIError

    def __init__(self, url: str, key: str):
        self.sdk = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=TIMEOUT_SECONDS)

    def history(self, text: str, image: bool = False, role: str = "user") -> list[Any]:
        if not image:
            return [{"role": role, "content": text}]
        picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
        return [{"role": role, "content": [{"type": "text", "text": text}, picture]}]

    def with_message(self, history: list[Any], answer: Answer) -> list[Any]:
        return [*history, answer.message]

    def with_results(self, history: list[Any], answer: Answer, results: list[str]) -> list[Any]:
        answered = [
            {"type": "tool_result", "tool_use_id": call.id, "content": result}
            for call, result in zip(answer.calls, results, strict=True)
        ]
        return [*self.with_message(history, answer), {"role": "user", "content": answered}]

    def ask(self, model: str, history: list[Any], wish: Wish = Wish()) -> Answer:
        raw = self.sdk.messages.with_raw_response.create(**self._request(model, history, wish))
        answer = read(raw.parse(), Answer())
        answer.headers = dict(raw.headers)
        return answer

    def stream(
        self, model: str, history: list[Any], wish: Wish = Wish(), answer: Answer | None = None
    ) -> Answer:
        answer = answer or Answer()
        # The library parses unfinished JSON leniently, so the fragments are also collected here.
        arguments: dict[int, str] = {}
        with self.sdk.messages.stream(**self._request(model, history, wish)) as stream:
            for event in stream:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    answer.hear(event.delta.text)
                elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
                    arguments[event.index] = arguments.get(event.index, "") + event.delta.partial_json
            read(stream.get_final_message(), answer)
            answer.headers = dict(stream.response.headers)
        for text, call in zip(arguments.values(), answer.calls, strict=True):
            assert json.loads(text or "{}") == call.arguments, "fragments and the library's own sum differ"
        return answer

    def models(self) -> list[str]:
        return [model.id for model in self.sdk.models.list()]

    @staticmethod
    def status(error: anthropic.APIStatusError) -> int:
        return error.status_code

    @staticmethod
    def word(error: anthropic.APIStatusError) -> str | None:
        return error.body["error"]["type"] if isinstance(error.body, dict) else None

    @staticmethod
    def retry_after(error: anthropic.APIStatusError) -> str | None:
        return error.response.headers.get("retry-after")

    def _request(self, model: str, history: list[Any], wish: Wish) -> dict[str, Any]:
        limit = DEFAULT_LIMIT if wish.limit is None else wish.limit
        request: dict[str, Any] = {"model": model, "messages": history, "max_tokens": limit}
        if wish.system is not None:
            request["system"] = wish.system
        if wish.tools:
            request["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.schema()}
                for tool in wish.tools
            ]
        if wish.thinks:
            request["thinking"] = {"type": "enabled", "budget_tokens": THINKING_BUDGET}
            request["max_tokens"] = limit + THINKING_BUDGET
        if wish.raw is not None:
            request["extra_body"] = wish.raw
        return request

    @staticmethod
    def bad_limit() -> dict[str, Any]:
        """A limit that is no number, as a member of the body."""
        return {"max_tokens": "many"}


def read(message: Any, answer: Answer) -> Answer:
    """Writes what a whole message says into an answer, and returns that."""
    answer.stop = message.stop_reason
    answer.message = {"role": "assistant", "content": message.content}
    answer.usage = Usage(message.usage.input_tokens, message.usage.output_tokens)
    for block in message.content:
        if block.type == "text":
            answer.text += block.text
        elif block.type == "thinking":
            answer.thoughts += block.thinking
        elif block.type == "tool_use":
            answer.calls.append(Call(block.id, block.name, block.input))
    return answer
