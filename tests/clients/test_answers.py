"""Every client library gets the answer of every provider format: text, images, thoughts, usage, end."""

import pytest

from answers import QUICK, Wish
from conftest import ANY_KEY
from google_sdk import Google
from openai_responses_sdk import OpenAiResponses
from openai_sdk import OpenAi

PROMPT = "Tell me of the sea"
SYSTEM = "Speak like Ahab"
# What the simulated models answer.
ECHO = f"You said: {PROMPT}"
THOUGHTS = f"Thinking about: {PROMPT}"
# The least that every format may be asked for.
LIMIT = 16
LONG_PROMPT = "Tell me of the sea and of " + "all the ships that ever sailed upon it, " * 4
# A stream at the demo's own pace takes more than twice this from its first piece to its last.
SPREAD_SECONDS = 0.1


def both(client, model, history, wish=Wish()):
    """Returns the whole answer and the streamed one, and checks that they say the same."""
    whole = client.ask(model, history, wish)
    streamed = client.stream(model, history, wish)
    assert streamed.text == whole.text, "the stream says what the whole reply says"
    assert streamed.thoughts == whole.thoughts, "the stream thinks what the whole reply thinks"
    assert streamed.stop == whole.stop, "the stream ends for the same reason"
    return whole, streamed


def test_text_arrives_whole_and_in_pieces(client, provider):
    whole, streamed = both(client, f"{provider}/echo", client.history(PROMPT))

    assert whole.text == ECHO
    assert whole.stop == client.STOPS["end"]
    assert len(streamed.pieces) >= 2, "a stream is more than one piece"
    assert streamed.times[-1] - streamed.times[0] > SPREAD_SECONDS, "pieces are passed on as they come"


def test_usage_is_the_same_in_a_stream(client, provider):
    whole, streamed = both(client, f"{provider}/echo?{QUICK}", client.history(PROMPT))

    assert whole.usage is not None and whole.usage.input > 0 and whole.usage.output > 0
    assert streamed.usage == whole.usage


def test_the_system_prompt_reaches_the_model(client, provider):
    whole, _ = both(client, f"{provider}/echo?{QUICK}", client.history(PROMPT), Wish(system=SYSTEM))

    assert whole.text == f"{ECHO} (system: {SYSTEM})"


def test_an_image_reaches_the_model(client, provider):
    whole, _ = both(client, f"{provider}/echo?{QUICK}", client.history(PROMPT, image=True))

    assert whole.text == f"{ECHO} [1 image]"


def test_an_answer_at_its_limit_says_so(client, provider):
    whole, streamed = both(client, f"{provider}/echo?{QUICK}", client.history(LONG_PROMPT), Wish(limit=LIMIT))

    assert whole.stop == client.STOPS["length"]
    assert whole.usage.output == LIMIT
    assert f"You said: {LONG_PROMPT}".startswith(streamed.text) and streamed.text != ""


def test_thoughts_stand_apart_from_the_answer(client, provider):
    whole, streamed = both(client, f"{provider}/think?{QUICK}", client.history(PROMPT), Wish(thinks=True))

    assert whole.thoughts == THOUGHTS
    assert whole.text == ECHO
    assert streamed.usage == whole.usage


def test_an_earlier_turn_is_history(client, provider):
    first = client.ask(f"{provider}/echo?{QUICK}", client.history(PROMPT))
    second_turn = client.history("And of the land")

    history = [*client.with_message(client.history(PROMPT), first), *second_turn]
    second = client.ask(f"{provider}/echo?{QUICK}", history)

    assert second.text == "You said: And of the land"
    assert second.usage.input > first.usage.input, "the earlier turns were sent along"


@pytest.mark.parametrize("model", ["gpt-test", "codex-test", "claude-test", "gemini-test"])
def test_an_alias_is_a_model(client, model):
    assert client.ask(model, client.history(PROMPT)).text == ECHO


@pytest.mark.parametrize("version", ["v1beta", "v1", "v1beta1"])
def test_google_takes_each_version_of_the_path(gateway, provider, version):
    client = Google(gateway.url, ANY_KEY, version)

    whole, _ = both(client, f"{provider}/echo?{QUICK}", client.history(PROMPT))

    assert whole.text == ECHO


def test_openais_own_accumulator_accepts_the_stream(gateway, provider):
    client = OpenAi(gateway.url, ANY_KEY)
    messages = client.history(PROMPT)

    with client.sdk.chat.completions.stream(model=f"{provider}/think?{QUICK}", messages=messages) as stream:
        completion = stream.until_done().get_final_completion()

    assert completion.choices[0].message.content == ECHO
    assert completion.choices[0].finish_reason == "stop"


def test_the_accumulator_of_responses_accepts_the_stream(gateway, provider):
    client = OpenAiResponses(gateway.url, ANY_KEY)
    request = {"model": f"{provider}/think?{QUICK}", "input": PROMPT, "reasoning": {"summary": "auto"}}

    with client.sdk.responses.stream(**request) as stream:
        response = stream.until_done().get_final_response()

    assert response.output_text == ECHO
    assert response.status == "completed"


def test_the_list_of_models_names_the_providers_models(client):
    names = client.models()

    assert {"sim-openai/echo", "sim-responses/echo", "sim-anthropic/echo", "sim-gemini/think", "demo"} <= set(names)
