"""A combo whose first two members fail is one good answer to every client library."""

import pytest

PROMPT = "Hello out there"
# `demo` has three targets, and the last one answers.
TARGETS = 3


@pytest.mark.parametrize("way", ["ask", "stream"])
def test_the_third_target_answers_and_nobody_notices(own_client, way):
    answer = getattr(own_client, way)("demo", own_client.history(PROMPT))

    assert PROMPT in answer.text
    assert answer.stop == own_client.STOPS["end"]
    assert answer.attempts == TARGETS
    assert answer.headers["x-omniroute-provider"] == "sim-gemini"


@pytest.mark.parametrize("way", ["ask", "stream"])
def test_targets_that_failed_are_passed_over_the_next_time(own_client, way):
    own_client.ask("demo", own_client.history(PROMPT))

    answer = getattr(own_client, way)("demo", own_client.history(PROMPT))

    assert PROMPT in answer.text
    assert answer.attempts < TARGETS, "an account that is resting is not tried again"
