"""The warning about targets that check senders strictly."""

import pytest

from vacation import dmarc


@pytest.mark.parametrize(
    ("record", "policy"),
    [
        ("v=DMARC1; p=reject; rua=mailto:x@y.test", "reject"),
        ("v=DMARC1;p=Quarantine", "quarantine"),
        ("v=DMARC1; sp=reject; p=none", "none"),
        ("v=DMARC1", ""),
        ("v=spf1 -all; p=reject", ""),
    ],
)
def test_the_policy_is_read_from_the_record(record, policy):
    assert dmarc.policy_in(record) == policy


def test_without_dns_nothing_is_said(settings, monkeypatch):
    settings.DNS_SERVERS = ["127.0.0.1#9"]
    monkeypatch.setattr(dmarc, "ANSWER_WITHIN_SECONDS", 0.2)
    assert dmarc.is_strict("gmail.com") is False
