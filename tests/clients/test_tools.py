"""Tool calls of every provider format in every client library, and the way back of their results."""

import pytest

from answers import QUICK, Tool, Wish

PROMPT = "How warm is it"
WEATHER = Tool("weather", "Tells the weather of a city.", ("city",))
CLOCK = Tool("clock", "Tells the time of a city.", ("city", "zone"))
ONE_TOOL = Wish(tools=(WEATHER,))
WAYS = ["ask", "stream"]


@pytest.fixture(params=WAYS)
def way(request):
    """Whole or as a stream."""
    return request.param


def test_a_call_has_name_and_arguments(client, provider, way):
    answer = getattr(client, way)(f"{provider}/echo?{QUICK}", client.history(PROMPT), ONE_TOOL)

    assert [call.name for call in answer.calls] == ["weather"]
    assert set(answer.calls[0].arguments) == {"city"}
    assert isinstance(answer.calls[0].arguments["city"], str)
    assert answer.stop == client.STOPS["calls"]


def test_a_streamed_call_is_the_whole_one(client, provider):
    model, history = f"{provider}/echo?talk=1&{QUICK}", client.history(PROMPT)

    whole = client.ask(model, history, ONE_TOOL)
    streamed = client.stream(model, history, ONE_TOOL)

    assert [call.arguments for call in streamed.calls] == [call.arguments for call in whole.calls]
    assert streamed.text == whole.text
    assert whole.text.startswith("Calling weather."), "text before the call arrives"
    assert streamed.usage == whole.usage


def test_parallel_calls_stay_apart(client, provider, way):
    wish = Wish(tools=(WEATHER, CLOCK))

    answer = getattr(client, way)(f"{provider}/echo?calls=2&{QUICK}", client.history(PROMPT), wish)

    assert sorted(call.name for call in answer.calls) == ["clock", "weather"]
    arguments = {call.name: set(call.arguments) for call in answer.calls}
    assert arguments == {"weather": {"city"}, "clock": {"city", "zone"}}
    ids = [call.id for call in answer.calls]
    assert len(set(ids)) == 2 or ids == [None, None], "ids, where there are any, tell the calls apart"


def test_a_result_comes_back_in_the_answer(client, provider):
    model, history = f"{provider}/echo?{QUICK}", client.history(PROMPT)
    called = client.ask(model, history, ONE_TOOL)

    history = client.with_results(history, called, ["19 degrees"])
    answer = client.ask(model, history, ONE_TOOL)

    assert answer.text == f"You said: {PROMPT} Tool weather returned: 19 degrees"
    assert answer.calls == []
    assert answer.stop == client.STOPS["end"]


def test_results_of_parallel_calls_come_back_too(client, provider):
    model, history = f"{provider}/echo?calls=2&{QUICK}", client.history(PROMPT)
    wish = Wish(tools=(WEATHER, CLOCK))
    called = client.ask(model, history, wish)

    history = client.with_results(history, called, ["19 degrees", "noon sharp"])
    streamed = client.stream(model, history, wish)

    for call, result in zip(called.calls, ["19 degrees", "noon sharp"], strict=True):
        assert f"Tool {call.name} returned: {result}" in streamed.text, "each result is its own call's"
