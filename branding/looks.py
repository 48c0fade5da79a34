"""What a reader sees of a brand: the domain's own, else the hoster's, else the portal's."""

from dataclasses import dataclass

from django.urls import reverse

from branding.models import Brand

HOSTER = "hoster"
# Every page asks this: by hand, since Django takes longer to put it together than a database to answer it.
SEEN = """
SELECT brand.id, brand.name, accent, support_email, support_phone, webmail_url, changed_at,
    length(logo) > 0 AS has_logo, domain.name AS domain_name
FROM branding_brand AS brand LEFT JOIN accounts_domain AS domain ON domain.id = brand.domain_id
WHERE brand.domain_id IS NULL OR brand.domain_id = %s
ORDER BY brand.domain_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Look:
    """Empty where nobody has set anything."""

    name: str = ""
    logo_url: str = ""
    colours_url: str = ""
    accent: str = ""
    support_email: str = ""
    support_phone: str = ""
    webmail_url: str = ""

    @property
    def has_support(self) -> bool:
        return bool(self.support_email or self.support_phone)


def look_of(domain_id: int | None) -> Look:
    """For the people of a domain; None: for everybody else."""
    order = list(Brand.objects.raw(SEEN, [domain_id]))
    logo = next((brand for brand in order if brand.has_logo), None)
    colour = next((brand for brand in order if brand.accent), None)
    return Look(
        name=_first(order, "name"),
        logo_url=_url("branding:logo", logo),
        colours_url=_url("branding:colours", colour),
        accent=colour.accent if colour else "",
        support_email=_first(order, "support_email"),
        support_phone=_first(order, "support_phone"),
        webmail_url=_first(order, "webmail_url"),
    )


def webmail_of(domain_id: int, server_url: str) -> str:
    """The domain's own, else its server's, else the hoster's."""
    told = {brand.domain_id: brand.webmail_url for brand in Brand.objects.seen_by(domain_id)}
    return told.get(domain_id, "") or server_url or told.get(None, "")


def _first(order: list[Brand], field: str) -> str:
    return next((getattr(brand, field) for brand in order if getattr(brand, field)), "")


def _url(view: str, brand: Brand | None) -> str:
    """Another one after each change, so that browsers may keep what they have."""
    if brand is None:
        return ""
    name = getattr(brand, "domain_name") or HOSTER  # noqa: B009 - of SEEN
    return f"{reverse(view, args=[name])}?v={int(brand.changed_at.timestamp())}"
