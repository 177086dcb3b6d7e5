"""Coding tools get through a turn at every provider format: plain, and with a tool called and answered."""

from conftest import WORDS

PROMPT = "Tell me of the sea"


def test_a_prompt_is_answered(cli, gateway, folder, tmp_path):
    outcome = cli.run(gateway.url, tmp_path, folder, f"{cli.name}-plain", PROMPT)

    assert outcome.status == 0, outcome.output
    assert outcome.text.startswith("You said: "), outcome.output
    assert PROMPT in outcome.text, "the prompt reached the model"
    assert WORDS not in outcome.text


def test_a_tool_is_called_and_its_result_comes_back(cli, gateway, folder, tmp_path):
    tool, _ = cli.reading(folder / "note.txt")

    outcome = cli.run(gateway.url, tmp_path, folder, f"{cli.name}-read", PROMPT)

    assert outcome.status == 0, outcome.output
    assert PROMPT in outcome.text, outcome.output
    result = outcome.text.partition(f"Tool {tool} returned: ")[2]
    assert WORDS in result, "the model was told what the tool found"
