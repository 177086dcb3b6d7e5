"""What goes wrong becomes the exception that each client library's users catch."""

import pytest

from answers import QUICK, Answer, Wish
from conftest import GOOD_KEY

PROMPT = "Hello out there"
BEHIND = "behind/sim-openai/echo"
# A waiting time that differs from every default of ours, in seconds.
WAIT = 7


@pytest.fixture(params=["ask", "stream"])
def way(request):
    """Whole or as a stream."""
    return request.param


def fails(client, kind, call):
    """Checks that a call fails as the library's users expect, and returns the exception."""
    expected = client.FAILURES[kind]
    with pytest.raises(expected.exception) as caught:
        call()
    assert client.status(caught.value) == expected.status
    if expected.word is not None:
        assert client.word(caught.value) == expected.word
    return caught.value


def test_an_unknown_model_is_not_found(client, way):
    ask = getattr(client, way)

    error = fails(client, "unknown_model", lambda: ask("nobody/knows-this", client.history(PROMPT)))

    assert "nobody/knows-this" in str(error)


def test_a_wrong_key_is_an_authentication_error(library, guarded_gateway, way):
    client = library(guarded_gateway.url, "a-wrong-key")

    error = fails(client, "unauthenticated", lambda: getattr(client, way)(BEHIND, client.history(PROMPT)))

    assert "a-wrong-key" not in str(error)


def test_the_right_key_is_let_in(library, guarded_gateway, way):
    client = library(guarded_gateway.url, GOOD_KEY)

    answer = getattr(client, way)(BEHIND, client.history(PROMPT))

    assert PROMPT in answer.text
    assert BEHIND in client.models()


def test_the_list_of_models_wants_a_key_too(library, guarded_gateway):
    client = library(guarded_gateway.url, "a-wrong-key")

    fails(client, "unauthenticated", client.models)


def test_an_unknown_role_is_a_bad_request(client, provider, way):
    history = client.history(PROMPT, role="nobody")

    fails(client, "malformed", lambda: getattr(client, way)(f"{provider}/echo", history))


def test_a_limit_that_is_no_number_is_a_bad_request(client, provider):
    wish = Wish(raw=client.bad_limit())

    fails(client, "malformed", lambda: client.ask(f"{provider}/echo", client.history(PROMPT), wish))


def test_a_providers_bad_request_is_one(client, provider, way):
    fails(client, "malformed", lambda: getattr(client, way)(f"{provider}/400", client.history(PROMPT)))


def test_a_spent_rate_is_a_rate_limit_error_with_a_wait(own_client, provider):
    history = own_client.history(PROMPT)
    limited = f"{provider}/429?retry_after={WAIT}"

    refused = fails(own_client, "rate_limited", lambda: own_client.stream(limited, history))
    resting = fails(own_client, "rate_limited", lambda: own_client.ask(f"{provider}/echo", history))

    assert own_client.retry_after(refused) == str(WAIT), "the provider's wait"
    assert 0 < int(own_client.retry_after(resting)) <= WAIT, "what is left of it"


def test_a_refused_provider_key_is_not_the_users_fault(faulty_client, provider, way):
    history = faulty_client.history(PROMPT)

    error = fails(faulty_client, "bad_gateway", lambda: getattr(faulty_client, way)(f"{provider}/401", history))

    assert provider in str(error), "the operator is told which provider"


def test_an_error_inside_a_stream_before_any_text_is_an_error(faulty_client, provider):
    history = faulty_client.history(PROMPT)

    with pytest.raises(faulty_client.ANY_ERROR) as caught:
        faulty_client.stream(f"{provider}/in-band-error", history)

    assert faulty_client.status(caught.value) >= 500, "nothing was sent, so the status tells it"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("reset-after-3", "the connection broke before the answer was complete"),
        ("eof-after-3", "closed the stream before it was complete"),
        ("in-band-error-after-3", "Overloaded"),
    ],
)
def test_a_stream_that_breaks_off_raises(faulty_client, provider, fault, told):
    heard = Answer()

    with pytest.raises(faulty_client.BROKEN_STREAM) as caught:
        faulty_client.stream(f"{provider}/{fault}?{QUICK}", faulty_client.history(PROMPT), answer=heard)

    assert "".join(heard.pieces) == "You said: Hello ", "what came before the break arrived"
    assert told in str(caught.value), "the gateway said what happened; the connection did not just end"


@pytest.mark.parametrize("fault", ["reset", "garbage", "html", "empty", "eof-after-3"])
def test_a_whole_reply_that_is_none_is_a_bad_gateway(faulty_client, provider, fault):
    history = faulty_client.history(PROMPT)

    fails(faulty_client, "bad_gateway", lambda: faulty_client.ask(f"{provider}/{fault}", history))
