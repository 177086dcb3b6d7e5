"""Fixtures: the gateways, and every client library against every provider format."""

import os
import re

# Proxies must not stand between a client and loopback, and a developer's own settings and keys for the
# libraries must not be used. Before the libraries are imported, as some read them then.
for variable in list(os.environ):
    if re.match(r"(OPENAI|ANTHROPIC|GOOGLE|GEMINI)_|(HTTP|HTTPS|ALL)_PROXY$", variable, re.IGNORECASE):
        del os.environ[variable]
os.environ["NO_PROXY"] = "127.0.0.1"

import pytest

import gateways
from anthropic_sdk import Anthropic
from google_sdk import Google
from openai_responses_sdk import OpenAiResponses
from openai_sdk import OpenAi

CLIENTS = [OpenAi, OpenAiResponses, Anthropic, Google]
PROVIDERS = ["sim-openai", "sim-responses", "sim-anthropic", "sim-gemini"]

# The demo has no client keys, so it takes any.
ANY_KEY = "any-key"
GOOD_KEY = "the-key-of-the-client-libraries"


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def library(request):
    """A client library's adapter class."""
    return request.param


@pytest.fixture(params=PROVIDERS)
def provider(request):
    """The name of a simulated provider; each speaks a format of its own."""
    return request.param


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """A gateway for tests that leave every account awake."""
    gateway = gateways.demo("shared", tmp_path_factory.mktemp("shared"))
    yield gateway
    gateway.stop()


@pytest.fixture(scope="session")
def faulty_gateway(tmp_path_factory):
    """A gateway for faults after which an account is tried later than others, but still tried."""
    gateway = gateways.demo("faulty", tmp_path_factory.mktemp("faulty"))
    yield gateway
    gateway.stop()


@pytest.fixture
def own_gateway(request, tmp_path):
    """A gateway of the test's own, for tests that put accounts to rest."""
    gateway = gateways.demo(file_name(request.node.name), tmp_path)
    yield gateway
    gateway.stop()


@pytest.fixture(scope="session")
def guarded_gateway(tmp_path_factory, gateway):
    """A gateway that wants `GOOD_KEY`."""
    guarded = gateways.guarded("guarded", tmp_path_factory.mktemp("guarded"), gateway, GOOD_KEY)
    yield guarded
    guarded.stop()


@pytest.fixture
def client(library, gateway):
    """A client of the shared gateway."""
    return library(gateway.url, ANY_KEY)


@pytest.fixture
def faulty_client(library, faulty_gateway):
    """A client of the gateway whose providers fail."""
    return library(faulty_gateway.url, ANY_KEY)


@pytest.fixture
def own_client(library, own_gateway):
    """A client of the test's own gateway."""
    return library(own_gateway.url, ANY_KEY)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of the gateways' logs with a failure."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for gateway in item.funcargs.values():
            if isinstance(gateway, gateways.Gateway):
                report.sections.append((f"log {gateway.log}", gateway.last_words()))


def file_name(test_name: str) -> str:
    """Returns a test's name as the name of a file."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", test_name).strip("-")
