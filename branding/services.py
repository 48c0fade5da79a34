"""Keeping a brand: the row and the event, all or nothing."""

from typing import Any

from django.db import transaction

from accounts.models import Domain, Person
from audit.chain import record
from branding.models import Brand
from mailservers.ranges import require_ranges

FIELDS = ("name", "accent", "support_email", "support_phone", "webmail_url")


def brand_to_edit(domain: Domain | None) -> Brand:
    """The domain's, or the hoster's; a new one when there is none."""
    return Brand.objects.filter(domain=domain).first() or Brand(domain=domain)


@transaction.atomic
def save_brand(brand: Brand, *, png: bytes | None, by: Person) -> None:
    """`png`: the new logo, b"" for none, None: as it was."""
    before = Brand.objects.filter(pk=brand.pk).first() if brand.pk else None
    if png is not None:
        brand.logo = png
    require_ranges(brand)
    brand.save()
    record(
        "brand.saved",
        by=by,
        about=brand,
        domain=brand.domain.name if brand.domain else "",
        before=_told(before) if before else None,
        after=_told(brand),
    )


def _told(brand: Brand) -> dict[str, Any]:
    return {field: getattr(brand, field) for field in FIELDS} | {"has_logo": bool(brand.logo)}
