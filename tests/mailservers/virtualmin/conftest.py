"""The simulated server, started once for all tests of this folder."""

from tests.mailservers.drivers.conftest import certificates, directory, identity, trust

__all__ = ["certificates", "directory", "identity", "trust"]
