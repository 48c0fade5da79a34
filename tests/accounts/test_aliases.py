"""Aliases as the database keeps them: found from either end, one address once, open to whom the domain is."""

import pytest
from django.db import IntegrityError

from accounts.models import Alias, Domain


def an_alias(domain: Domain, address: str, *targets: str) -> Alias:
    alias = Alias.objects.create(address=address, domain=domain)
    for target in targets:
        alias.targets.create(address=target)
    return alias


def test_it_is_found_from_its_targets(domain):
    info = an_alias(domain, f"info@{domain.name}", "anna@x.test", "bert@x.test")
    rest = an_alias(domain, f"@{domain.name}", "bert@x.test")
    assert set(Alias.objects.leading_to("Bert@X.test")) == {info, rest}
    assert set(Alias.objects.leading_to("anna@x.test")) == {info}


def test_an_address_is_one_alias_and_a_target_named_once(domain):
    alias = an_alias(domain, f"info@{domain.name}", "anna@x.test")
    with pytest.raises(IntegrityError):
        alias.targets.create(address="anna@x.test")


def test_webmasters_see_those_of_their_domains_alone(domain, other_domain, webmaster, operator):
    own = an_alias(domain, f"info@{domain.name}")
    other = an_alias(other_domain, f"info@{other_domain.name}")
    assert list(Alias.objects.open_to(webmaster)) == [own]
    assert set(Alias.objects.open_to(operator)) == {own, other}
