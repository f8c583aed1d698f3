"""A gateway that nobody reaches from outside: the stock one listens on every address, whatever its settings say."""

import functools
import os

from localstack.runtime.server import twisted
from twisted.internet import endpoints

# In a container the container's own network decides who reaches it.
ADDRESS = os.environ.get("SLACAST_GATEWAY_ADDRESS", "127.0.0.1")


class _Endpoints:
    """`twisted.internet.endpoints` with the one address."""

    TCP4ServerEndpoint = staticmethod(functools.partial(endpoints.TCP4ServerEndpoint, interface=ADDRESS))
    # With an IPv6 address in GATEWAY_LISTEN the stock server would open one of these: here it cannot.
    TCP6ServerEndpoint = TCP4ServerEndpoint


def server():
    """LocalStack's own server, bound to `ADDRESS`."""
    twisted.endpoints = _Endpoints
    return twisted.TwistedRuntimeServer()
