"""Sources that other formats name reach the Anthropic library's own sum of a stream, wherever they came."""

from dataclasses import dataclass

import anthropic
import pytest

import gateways
from answers import TIMEOUT_SECONDS
from conftest import ANY_KEY, file_name
from player import playing

SEARCH = {"type": "web_search_20250305", "name": "web_search"}


@dataclass(frozen=True)
class Case:
    """A recorded answer with sources."""

    wire: str
    recording: str
    text: str
    # Addresses at the text itself.
    cited: list[str]
    # Addresses that came when no text stood open for them: they are a search's results.
    found: list[str]
    stop: str = "end_turn"


CASES = [
    Case("gemini", "grounding", "Größe: Boote ü b.", ["https://example.org/b", "https://example.org/c"], []),
    Case("openai_chat", "annotations", "Grüße from A.", ["https://example.org/a"], []),
    Case("openai_chat", "late-annotations", "I look.", [], ["https://example.org/a"], stop="tool_use"),
    Case("openai_responses", "web-search", "They float.", ["https://example.org/b"], ["https://example.org/b"]),
]


@pytest.fixture(params=CASES, ids=lambda case: f"{case.wire}-{case.recording}")
def case(request):
    """One recorded answer."""
    return request.param


@pytest.fixture
def sdk(request, case, tmp_path):
    """The library in front of a gateway whose provider gives the recorded answer."""
    with playing(f"{case.wire}/streams/{case.recording}.sse") as url:
        gateway = gateways.in_front_of(file_name(request.node.name), tmp_path, case.wire, url)
        try:
            yield anthropic.Anthropic(base_url=gateway.url, api_key=ANY_KEY, max_retries=0, timeout=TIMEOUT_SECONDS)
        finally:
            gateway.stop()


def summed(sdk, messages):
    """Streams an answer through the library's helper; returns its sum and the citations it announced."""
    request = {"model": "behind/m", "max_tokens": 256, "messages": messages, "tools": [SEARCH]}
    announced = []
    with sdk.messages.stream(**request) as stream:
        for event in stream:
            if event.type == "citation":
                announced.append(event.citation.url)
        return stream.get_final_message(), announced


def test_sources_reach_the_final_message(sdk, case):
    message, announced = summed(sdk, [{"role": "user", "content": "Do boats float?"}])

    texts = [block for block in message.content if block.type == "text"]
    results = [block for block in message.content if block.type == "web_search_tool_result"]
    calls = [block.id for block in message.content if block.type == "server_tool_use"]
    assert "".join(block.text for block in texts) == case.text
    assert [cited.url for block in texts for cited in block.citations or []] == case.cited
    assert announced == case.cited
    assert [found.url for block in results for found in block.content] == case.found
    assert [block.tool_use_id for block in results] == calls, "every search has its result"
    assert message.stop_reason == case.stop


def test_an_answer_with_sources_is_history(sdk, case):
    question = [{"role": "user", "content": "Do boats float?"}]
    first, _ = summed(sdk, question)

    calls = [block.id for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call, "content": "nothing"} for call in calls]
    next_turn = {"role": "user", "content": [*results, {"type": "text", "text": "And ships?"}]}
    second, _ = summed(sdk, [*question, {"role": "assistant", "content": first.content}, next_turn])

    assert [block.type for block in second.content] == [block.type for block in first.content]
