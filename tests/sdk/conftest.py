"""A site whose engines are the emulated upstream, and the official client to talk to it."""

from tests.support.official_fixtures import caller, connect, key, site, user, utterance

__all__ = ["caller", "connect", "key", "site", "user", "utterance"]
