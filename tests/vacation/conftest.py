import pytest

from vacation import confirmation_mails


@pytest.fixture(autouse=True)
def strict(monkeypatch) -> set[str]:
    """Domains whose DMARC policy is strict, in place of DNS."""
    domains: set[str] = set()
    monkeypatch.setattr(confirmation_mails, "is_strict", lambda domain: domain in domains)
    return domains
