"""What only OpenAI's interfaces have: old completions, custom tools, and answers read by a schema."""

import json
from urllib.parse import quote

import pydantic
import pytest

from answers import QUICK
from conftest import ANY_KEY
from openai_sdk import OpenAi

PROMPT = "Tell me of the sea"
ECHO = f"You said: {PROMPT}"
# Where a provider has only functions, the text arrives as the argument of one.
PATCH = "put the anchor down"
CUSTOM = f"tool=patch&{QUICK}"


class Ship(pydantic.BaseModel):
    """What an answer is read into."""

    name: str
    masts: int


SHIP = Ship(name="Pequod", masts=3)


@pytest.fixture
def sdk(gateway):
    """The library itself."""
    return OpenAi(gateway.url, ANY_KEY).sdk


@pytest.fixture
def patching(provider):
    """A model that calls the custom tool `patch` with `PATCH`."""
    has_custom_tools = provider in ("sim-openai", "sim-responses")
    arguments = PATCH if has_custom_tools else json.dumps({"input": PATCH})
    return f"{provider}/echo?{CUSTOM}&args={quote(arguments, safe='')}"


@pytest.fixture
def shipwright(provider):
    """A model that answers with a ship."""
    return f"{provider}/echo?{QUICK}&text={quote(SHIP.model_dump_json(), safe='')}"


def test_an_old_completion_is_whole(sdk, provider):
    completion = sdk.completions.create(model=f"{provider}/echo?{QUICK}", prompt=PROMPT)

    assert completion.object == "text_completion"
    assert completion.choices[0].text == ECHO
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.completion_tokens > 0


def test_an_old_completion_is_streamed(sdk, provider):
    chunks = list(sdk.completions.create(model=f"{provider}/echo?{QUICK}", prompt=PROMPT, stream=True))

    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.text for choice in choices) == ECHO
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert len(choices) > 2, "a stream is more than one piece"


def test_a_custom_tool_is_called_with_text(sdk, patching):
    tools = [{"type": "custom", "custom": {"name": "patch", "description": "Changes the ship."}}]
    messages = [{"role": "user", "content": PROMPT}]

    called = sdk.chat.completions.create(model=patching, messages=messages, tools=tools).choices[0].message
    call = called.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": "done so"}
    answer = sdk.chat.completions.create(model=patching, messages=[*messages, called, result], tools=tools)

    assert (call.type, call.custom.name, call.custom.input) == ("custom", "patch", PATCH)
    assert "Tool patch returned: done so" in answer.choices[0].message.content


def test_a_custom_tool_is_called_in_a_stream(sdk, patching):
    tools = [{"type": "custom", "custom": {"name": "patch", "description": "Changes the ship."}}]
    messages = [{"role": "user", "content": PROMPT}]

    text, kinds = "", []
    for chunk in sdk.chat.completions.create(model=patching, messages=messages, tools=tools, stream=True):
        for delta in (chunk.choices and chunk.choices[0].delta.tool_calls) or []:
            kinds += [delta.type] if delta.type else []
            # The library's type of a streamed call has no member for it, but keeps it.
            text += ((delta.model_extra or {}).get("custom") or {}).get("input") or ""

    assert kinds == ["custom"]
    assert text == PATCH


@pytest.mark.parametrize("way", ["whole", "stream"])
def test_a_custom_tool_of_responses_is_called_with_text(sdk, patching, way):
    request = {"model": patching, "tools": [{"type": "custom", "name": "patch", "description": "Changes the ship."}]}
    turn = [{"role": "user", "content": PROMPT}]

    if way == "whole":
        called = sdk.responses.create(input=turn, **request)
    else:
        with sdk.responses.stream(input=turn, **request) as stream:
            called = stream.until_done().get_final_response()
    call = next(item for item in called.output if item.type == "custom_tool_call")
    history = [*turn, *(item.model_dump(exclude_none=True) for item in called.output)]
    result = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "done so"}
    answer = sdk.responses.create(input=[*history, result], **request)

    assert (call.name, call.input) == ("patch", PATCH)
    assert "Tool patch returned: done so" in answer.output_text


def assert_ship(parsed, provider):
    """A Claude without structured output gets the schema as a tool, whose arguments the simulator makes up."""
    assert isinstance(parsed, Ship)
    assert parsed == SHIP or provider == "sim-anthropic"


def test_a_chat_answer_is_read_by_its_schema(sdk, provider, shipwright):
    messages = [{"role": "user", "content": PROMPT}]

    completion = sdk.chat.completions.parse(model=shipwright, messages=messages, response_format=Ship)

    assert_ship(completion.choices[0].message.parsed, provider)


def test_a_response_is_read_by_its_schema(sdk, provider, shipwright):
    response = sdk.responses.parse(model=shipwright, input=PROMPT, text_format=Ship)

    assert_ship(response.output_parsed, provider)
