"""Header fields: which of them anybody may see, and which may hold a secret."""

from __future__ import annotations

import pytest

from scrapepool.header import is_harmless

FIELDS_WITH_SECRETS = """
    Authorization Proxy-Authorization Cookie Host Referer Origin From Forwarded Via X-Forwarded-For X-Real-IP
    X-Api-Key Api-Key ApiKey X-Auth-Token X-CSRF-Token X-Amz-Security-Token X-Vault-Token Private-Token
    Ocp-Apim-Subscription-Key DD-API-KEY DD-APPLICATION-KEY X-Functions-Key X-Access-Key X-Jwt X-Api-Sig
    CF-Access-Client-Id CF-Access-Client-Secret X-Goog-Iap-Jwt-Assertion X-Shopify-Access-Token X-Request-Id Accept-X
"""


@pytest.mark.parametrize("name", FIELDS_WITH_SECRETS.split())
def test_a_field_that_is_not_known_may_hold_a_secret(name: str) -> None:
    """Names of secrets have no end; nothing crosses an origin that is not known to be harmless."""
    assert not is_harmless(name)


@pytest.mark.parametrize("name", ["accept", "ACCEPT-language", "User-Agent", "Range", "Content-Type", "If-None-Match"])
def test_fields_that_say_what_is_wanted_are_harmless(name: str) -> None:
    """In any spelling."""
    assert is_harmless(name)
