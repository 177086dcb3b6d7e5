"""Tokens are counted for every client library, and a longer prompt has more of them."""

import pytest

from anthropic_sdk import Anthropic
from conftest import ANY_KEY
from google_sdk import Google
from openai_responses_sdk import OpenAiResponses

SHORT = "Tell me of the sea"
LONG = " ".join([SHORT] * 20)


def anthropic(gateway, model, text):
    sdk = Anthropic(gateway.url, ANY_KEY).sdk
    return sdk.messages.count_tokens(model=model, messages=[{"role": "user", "content": text}]).input_tokens


def google(gateway, model, text):
    # Its parts close with it, so it must outlive the call.
    sdk = Google(gateway.url, ANY_KEY).sdk
    return sdk.models.count_tokens(model=model, contents=text).total_tokens


def responses(gateway, model, text):
    sdk = OpenAiResponses(gateway.url, ANY_KEY).sdk
    return sdk.responses.input_tokens.count(model=model, input=text).input_tokens


@pytest.mark.parametrize("count", [anthropic, google, responses])
def test_a_longer_prompt_has_more_tokens(gateway, provider, count):
    short = count(gateway, f"{provider}/echo", SHORT)
    long = count(gateway, f"{provider}/echo", LONG)

    assert 0 < short < long
