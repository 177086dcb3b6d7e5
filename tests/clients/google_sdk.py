"""The official Google GenAI library, `generateContent` with an API key."""

import base64
from typing import Any

from google import genai
from google.genai import errors, types

from answers import PIXEL, TIMEOUT_SECONDS, Answer, Call, Failure, Usage, Wish

STOPS = {"end": "STOP", "length": "MAX_TOKENS", "calls": "STOP"}


class Google:
    """Asks a gateway through `google.genai.Client`; `version` is the first part of the path."""

    name = "google"
    STOPS = STOPS
    FAILURES = {
        "malformed": Failure(errors.ClientError, 400, "INVALID_ARGUMENT"),
        "unauthenticated": Failure(errors.ClientError, 401, "UNAUTHENTICATED"),
        "unknown_model": Failure(errors.ClientError, 404, "NOT_FOUND"),
        "rate_limited": Failure(errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        "bad_gateway": Failure(errors.ServerError, 502),
    }
    BROKEN_STREAM = errors.APIError
    ANY_ERROR = errors.APIError

    def __init__(self, url: str, key: str, version: str | None = None):
        options = types.HttpOptions(base_url=url, api_version=version, timeout=int(TIMEOUT_SECONDS * 1000))
        self.sdk = genai.Client(api_key=key, http_options=options)

    def history(self, text: str, image: bool = False, role: str = "user") -> list[Any]:
        parts = [types.Part(text=text)]
        if image:
            parts.append(types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png"))
        return [types.Content(role=role, parts=parts)]

    def with_message(self, history: list[Any], answer: Answer) -> list[Any]:
        return [*history, answer.message]

    def with_results(self, history: list[Any], answer: Answer, results: list[str]) -> list[Any]:
        answered = [
            types.Part(
                function_response=types.FunctionResponse(id=call.id, name=call.name, response={"result": result})
            )
            for call, result in zip(answer.calls, results, strict=True)
        ]
        return [*self.with_message(history, answer), types.Content(role="user", parts=answered)]

    def ask(self, model: str, history: list[Any], wish: Wish = Wish()) -> Answer:
        response = self.sdk.models.generate_content(**self._request(model, history, wish))
        answer = Answer()
        add(answer, response)
        answer.message = response.candidates[0].content
        answer.text = "".join(answer.pieces)
        answer.pieces, answer.times = [], []
        return answer

    def stream(
        self, model: str, history: list[Any], wish: Wish = Wish(), answer: Answer | None = None
    ) -> Answer:
        answer = answer or Answer()
        for response in self.sdk.models.generate_content_stream(**self._request(model, history, wish)):
            add(answer, response)
        answer.text = "".join(answer.pieces)
        return answer

    def models(self) -> list[str]:
        return [model.name.removeprefix("models/") for model in self.sdk.models.list()]

    @staticmethod
    def status(error: errors.APIError) -> int:
        return error.code

    @staticmethod
    def word(error: errors.APIError) -> str | None:
        return error.status

    @staticmethod
    def retry_after(error: errors.APIError) -> str | None:
        return error.response.headers.get("retry-after")

    def _request(self, model: str, history: list[Any], wish: Wish) -> dict[str, Any]:
        config: dict[str, Any] = {}
        if wish.system is not None:
            config["system_instruction"] = wish.system
        if wish.tools:
            declarations = [
                types.FunctionDeclaration(
                    name=tool.name, description=tool.description, parameters_json_schema=tool.schema()
                )
                for tool in wish.tools
            ]
            config["tools"] = [types.Tool(function_declarations=declarations)]
        if wish.limit is not None:
            config["max_output_tokens"] = wish.limit
        if wish.thinks:
            config["thinking_config"] = types.ThinkingConfig(include_thoughts=True)
        if wish.raw is not None:
            config["http_options"] = types.HttpOptions(extra_body=wish.raw)
        # The library refuses `?` and `&` in a name, which goes into the path.
        name = model.replace("?", "%3F").replace("&", "%26")
        return {"model": name, "contents": history, "config": types.GenerateContentConfig(**config)}

    @staticmethod
    def bad_limit() -> dict[str, Any]:
        """A limit that is no number, as a member of the body."""
        return {"generationConfig": {"maxOutputTokens": "many"}}


def add(answer: Answer, response: types.GenerateContentResponse) -> None:
    """Adds a response, or one piece of a streamed one, to an answer."""
    if response.sdk_http_response is not None:
        answer.headers |= {name.lower(): value for name, value in response.sdk_http_response.headers.items()}
    counts = response.usage_metadata
    if counts is not None and counts.candidates_token_count is not None:
        output = counts.candidates_token_count + (counts.thoughts_token_count or 0)
        answer.usage = Usage(counts.prompt_token_count, output)
    for candidate in response.candidates or []:
        if candidate.finish_reason is not None:
            answer.stop = candidate.finish_reason.value
        for part in (candidate.content and candidate.content.parts) or []:
            if part.function_call is not None:
                call = part.function_call
                answer.calls.append(Call(call.id, call.name, dict(call.args or {})))
            elif part.text and part.thought:
                answer.thoughts += part.text
            elif part.text:
                answer.hear(part.text)
