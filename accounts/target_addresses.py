"""Targets of aliases and forwardings, found by the addresses they lead to."""

from collections.abc import Collection, Iterator
from typing import Any, TypeVar

from django.db import models
from django.db.models import Q

from accounts.slices import slices

Row = TypeVar("Row", bound=models.Model)


def without_tag(address: str) -> str:
    """user+tag@… is delivered to user@…"""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def is_among(target: str, addresses: Collection[str]) -> bool:
    """Whether mail for the target comes to one of these."""
    return target in addresses or without_tag(target) in addresses


def leading_to(
    rows: models.QuerySet[Row], addresses: Collection[str], field: str = "address"
) -> Iterator[Row]:
    """Those of the rows whose target, in this field, is one of the addresses, tags left out."""
    for some in map(set, slices(sorted(set(addresses)))):
        for row in rows.filter(targets_in(some, field)).order_by("pk"):
            target: Any = getattr(row, field)
            if is_among(target, some):
                yield row


def targets_in(addresses: Collection[str], field: str = "address") -> Q:
    """Those in which one of the addresses stands, and all with a tag that may be one."""
    found = Q(**{f"{field}__in": addresses})
    for name in {address.rpartition("@")[2] for address in addresses}:
        found |= Q(**{f"{field}__contains": "+", f"{field}__endswith": f"@{name}"})
    return found
