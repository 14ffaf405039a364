"""DigitalOcean's own Python client, unmodified, pointed at the simulator named on the command line."""

import os
import sys
import time

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import RetryPolicy, SansIOHTTPPolicy
from pydo import Client

BASE = sys.argv[1]
SCENARIO = sys.argv[2]


class PlainBearer(SansIOHTTPPolicy):
    """The client's own policy refuses to send a token without TLS."""

    def __init__(self, token):
        self.token = token

    def on_request(self, request):
        request.http_request.headers["Authorization"] = "Bearer " + self.token


def connect(token=os.environ["DIGITALOCEAN_TOKEN"]):
    return Client(
        token or "none",
        endpoint=BASE,
        authentication_policy=PlainBearer(token),
        retry_policy=RetryPolicy.no_retries(),
    )


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def refused(status, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except HttpResponseError as error:
        equal(error.status_code, status)
        return error
    raise AssertionError(f"expected a refusal with {status}")


def until(what, wanted, read, attempts=2000):
    """Polls as a user of the client does; the simulator's clock is fast, the pause only spares the processor."""
    seen = None
    for _ in range(attempts):
        seen = read()
        if wanted(seen):
            return seen
        time.sleep(0.005)
    raise AssertionError(f"{what} did not come about; last seen {seen!r}")


def request_for(**more):
    return {"region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", **more}
