"""What the official OpenAI library does alike for Chat Completions and for Responses."""

from typing import Any

import openai

from answers import TIMEOUT_SECONDS, Failure


class OpenAiBase:
    """Holds the library's client for a gateway, and tells how its errors show."""

    FAILURES = {
        "malformed": Failure(openai.BadRequestError, 400, "invalid_request_error"),
        "unauthenticated": Failure(openai.AuthenticationError, 401),
        "unknown_model": Failure(openai.NotFoundError, 404, "invalid_request_error"),
        "rate_limited": Failure(openai.RateLimitError, 429),
        "bad_gateway": Failure(openai.InternalServerError, 502),
    }
    BROKEN_STREAM = openai.APIError
    ANY_ERROR = openai.APIError

    def __init__(self, url: str, key: str):
        self.sdk = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=TIMEOUT_SECONDS)

    def models(self) -> list[str]:
        return [model.id for model in self.sdk.models.list()]

    @staticmethod
    def status(error: openai.APIStatusError) -> int:
        return error.status_code

    @staticmethod
    def word(error: openai.APIStatusError) -> str | None:
        return error.type

    @staticmethod
    def retry_after(error: openai.APIStatusError) -> str | None:
        return error.response.headers.get("retry-after")
