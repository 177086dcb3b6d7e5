"""The official OpenAI library, Chat Completions."""

import json
from typing import Any

from answers import PIXEL, Answer, Call, Usage, Wish
from openai_base import OpenAiBase

STOPS = {"end": "stop", "length": "length", "calls": "tool_calls"}


class OpenAi(OpenAiBase):
    """Asks a gateway through `openai.OpenAI`."""

    name = "openai"
    STOPS = STOPS

    def history(self, text: str, image: bool = False, role: str = "user") -> list[Any]:
        if not image:
            return [{"role": role, "content": text}]
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
        return [{"role": role, "content": [{"type": "text", "text": text}, picture]}]

    def with_message(self, history: list[Any], answer: Answer) -> list[Any]:
        return [*history, answer.message]

    def with_results(self, history: list[Any], answer: Answer, results: list[str]) -> list[Any]:
        answered = [
            {"role": "tool", "tool_call_id": call.id, "content": result}
            for call, result in zip(answer.calls, results, strict=True)
        ]
        return [*self.with_message(history, answer), *answered]

    def ask(self, model: str, history: list[Any], wish: Wish = Wish()) -> Answer:
        raw = self.sdk.chat.completions.with_raw_response.create(**self._request(model, history, wish))
        completion = raw.parse()
        choice = completion.choices[0]
        calls = [
            Call(call.id, call.function.name, json.loads(call.function.arguments))
            for call in choice.message.tool_calls or []
        ]
        return Answer(
            text=choice.message.content or "",
            thoughts=getattr(choice.message, "reasoning_content", None) or "",
            calls=calls,
            stop=choice.finish_reason,
            usage=usage(completion.usage),
            headers=dict(raw.headers),
            message=choice.message,
        )

    def stream(
        self, model: str, history: list[Any], wish: Wish = Wish(), answer: Answer | None = None
    ) -> Answer:
        raw = self.sdk.chat.completions.with_raw_response.create(
            **self._request(model, history, wish), stream=True, stream_options={"include_usage": True}
        )
        answer = answer or Answer()
        answer.headers = dict(raw.headers)
        fragments: dict[int, dict[str, Any]] = {}
        for chunk in raw.parse():
            if chunk.usage is not None:
                answer.usage = usage(chunk.usage)
            for choice in chunk.choices:
                answer.thoughts += getattr(choice.delta, "reasoning_content", None) or ""
                if choice.delta.content:
                    answer.hear(choice.delta.content)
                for delta in choice.delta.tool_calls or []:
                    collect(fragments, delta)
                answer.stop = choice.finish_reason or answer.stop
        answer.text = "".join(answer.pieces)
        answer.calls = [
            Call(call["id"], call["name"], json.loads(call["arguments"])) for _, call in sorted(fragments.items())
        ]
        return answer

    def _request(self, model: str, history: list[Any], wish: Wish) -> dict[str, Any]:
        request: dict[str, Any] = {"model": model, "messages": history}
        if wish.system is not None:
            request["messages"] = [{"role": "system", "content": wish.system}, *history]
        if wish.tools:
            request["tools"] = [
                {
                    "type": "function",
                    "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema()},
                }
                for tool in wish.tools
            ]
        if wish.limit is not None:
            request["max_completion_tokens"] = wish.limit
        if wish.thinks:
            request["reasoning_effort"] = "low"
        if wish.raw is not None:
            request["extra_body"] = wish.raw
        return request

    @staticmethod
    def bad_limit() -> dict[str, Any]:
        """A limit that is no number, as a member of the body."""
        return {"max_completion_tokens": "many"}


def collect(fragments: dict[int, dict[str, Any]], delta: Any) -> None:
    """Adds a fragment of a tool call to the call of its index."""
    call = fragments.setdefault(delta.index, {"id": None, "name": "", "arguments": ""})
    call["id"] = call["id"] or delta.id
    if delta.function is not None:
        call["name"] += delta.function.name or ""
        call["arguments"] += delta.function.arguments or ""


def usage(counts: Any) -> Usage | None:
    """Returns the counts, if there are any."""
    return counts and Usage(counts.prompt_tokens, counts.completion_tokens)
