"""How the portal looks and whom it names: for the hoster, and for a domain that differs."""

from django.core.cache import cache
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.models import Domain

# Another process may show the old look for so long.
KEPT_FOR_SECONDS = 30


class Brand(models.Model):
    """The hoster's when it has no domain. What is empty is taken from the hoster's, or the portal's own."""

    domain = models.OneToOneField(Domain, models.CASCADE, null=True, blank=True, related_name="brand")
    name = models.CharField(_("name"), max_length=60, blank=True)
    accent = models.CharField(_("colour"), max_length=7, blank=True)
    logo = models.BinaryField(blank=True, default=b"", help_text=_("A PNG."))
    support_email = models.EmailField(_("support: e-mail address"), blank=True)
    support_phone = models.CharField(_("support: telephone"), max_length=40, blank=True)
    webmail_url = models.URLField(_("webmail address"), blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(Coalesce("domain", 0), name="one_brand_for_each_domain"),)

    def __str__(self) -> str:
        return self.domain.name if self.domain else "hoster"


def forget_kept_brand(domain_id: int | None) -> None:
    cache.delete(_key(domain_id))


def kept_brand(domain_id: int | None) -> Brand | None:
    """The domain's, or the hoster's for None, without its picture; looked up now and then only."""
    known: Brand | str | None = cache.get(_key(domain_id), "")
    if isinstance(known, str):
        rows = Brand.objects.select_related("domain").annotate(
            has_logo=models.ExpressionWrapper(~models.Q(logo=b""), output_field=models.BooleanField())
        )
        known = rows.defer("logo").filter(domain=domain_id).first()
        cache.set(_key(domain_id), known, KEPT_FOR_SECONDS)
    return known if isinstance(known, Brand) else None


def _key(domain_id: int | None) -> str:
    return f"branding:{domain_id or 0}"
