"""The official OpenAI library, Responses."""

import json
from typing import Any

from answers import PIXEL, Answer, Call, Usage, Wish
from openai_base import OpenAiBase

# A response has a status and no reason; calls are items of a completed one.
STOPS = {"end": "completed", "length": "max_output_tokens", "calls": "completed"}


class OpenAiResponses(OpenAiBase):
    """Asks a gateway through `openai.OpenAI().responses`."""

    name = "openai-responses"
    STOPS = STOPS

    def history(self, text: str, image: bool = False, role: str = "user") -> list[Any]:
        if not image:
            return [{"role": role, "content": text}]
        picture = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PIXEL}"}
        return [{"role": role, "content": [{"type": "input_text", "text": text}, picture]}]

    def with_message(self, history: list[Any], answer: Answer) -> list[Any]:
        return [*history, *answer.message]

    def with_results(self, history: list[Any], answer: Answer, results: list[str]) -> list[Any]:
        answered = [
            {"type": "function_call_output", "call_id": call.id, "output": result}
            for call, result in zip(answer.calls, results, strict=True)
        ]
        return [*self.with_message(history, answer), *answered]

    def ask(self, model: str, history: list[Any], wish: Wish = Wish()) -> Answer:
        raw = self.sdk.responses.with_raw_response.create(**self._request(model, history, wish))
        answer = read(raw.parse(), Answer())
        answer.headers = dict(raw.headers)
        return answer

    def stream(
        self, model: str, history: list[Any], wish: Wish = Wish(), answer: Answer | None = None
    ) -> Answer:
        raw = self.sdk.responses.with_raw_response.create(**self._request(model, history, wish), stream=True)
        answer = answer or Answer()
        answer.headers = dict(raw.headers)
        # What the deltas say must be what the finished response says.
        thoughts, arguments, final = "", {}, None
        for number, event in enumerate(raw.parse()):
            assert event.sequence_number == number, "events are counted from 0"
            if event.type == "response.output_text.delta":
                answer.hear(event.delta)
            elif event.type in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
                thoughts += event.delta
            elif event.type == "response.function_call_arguments.delta":
                arguments[event.output_index] = arguments.get(event.output_index, "") + event.delta
            elif event.type in ("response.completed", "response.incomplete"):
                final = event.response
        assert final is not None, "the last event tells how it ended"
        read(final, answer)
        assert answer.text == "".join(answer.pieces), "the pieces are the text"
        assert answer.thoughts == thoughts, "the pieces are the thoughts"
        fragments = [json.loads(text) for _, text in sorted(arguments.items())]
        assert fragments == [call.arguments for call in answer.calls], "the fragments are the arguments"
        return answer

    def _request(self, model: str, history: list[Any], wish: Wish) -> dict[str, Any]:
        request: dict[str, Any] = {"model": model, "input": history, "store": False}
        if wish.system is not None:
            request["instructions"] = wish.system
        if wish.tools:
            request["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.schema(),
                    "strict": False,
                }
                for tool in wish.tools
            ]
        if wish.limit is not None:
            request["max_output_tokens"] = wish.limit
        if wish.thinks:
            request["reasoning"] = {"effort": "low", "summary": "auto"}
            request["include"] = ["reasoning.encrypted_content"]
        if wish.raw is not None:
            request["extra_body"] = wish.raw
        return request

    @staticmethod
    def bad_limit() -> dict[str, Any]:
        """A limit that is no number, as a member of the body."""
        return {"max_output_tokens": "many"}


def read(response: Any, answer: Answer) -> Answer:
    """Writes what a whole response says into an answer, and returns that."""
    answer.text = response.output_text
    answer.thoughts = ""
    answer.message = [item.model_dump(exclude_none=True) for item in response.output]
    answer.stop = response.incomplete_details.reason if response.incomplete_details else response.status
    answer.usage = response.usage and Usage(response.usage.input_tokens, response.usage.output_tokens)
    for item in response.output:
        if item.type == "reasoning":
            answer.thoughts += "".join(part.text for part in [*item.summary, *(item.content or [])])
        elif item.type == "function_call":
            answer.calls.append(Call(item.call_id, item.name, json.loads(item.arguments)))
    return answer
