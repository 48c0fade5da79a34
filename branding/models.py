"""How the portal looks and whom it names: for the hoster, and for a domain that differs."""

from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.models import Domain
from mailservers.one_line import OneLine


class BrandQuerySet(models.QuerySet["Brand"]):
    def seen_by(self, domain_id: int | None) -> "BrandQuerySet":
        """The domain's own and the hoster's, in this order, without their pictures."""
        told = {"has_logo": models.ExpressionWrapper(~models.Q(logo=b""), models.BooleanField())}
        theirs = models.Q(domain=None)
        if domain_id is not None:
            theirs |= models.Q(domain=domain_id)
        own_first = models.F("domain").asc(nulls_last=True)
        found = self.filter(theirs).select_related("domain").annotate(**told)
        return found.defer("logo").order_by(own_first)


class Brand(models.Model):
    """The hoster's when it has no domain. What is empty is taken from the hoster's, or the portal's own."""

    domain = models.OneToOneField(Domain, models.CASCADE, null=True, blank=True, related_name="brand")
    name = OneLine(_("name"), max_length=60, blank=True)
    accent = models.CharField(_("colour"), max_length=7, blank=True)
    logo = models.BinaryField(blank=True, default=b"", help_text=_("A PNG."))
    support_email = models.EmailField(_("support: e-mail address"), blank=True)
    support_phone = OneLine(_("support: telephone"), max_length=40, blank=True)
    webmail_url = models.URLField(_("webmail address"), blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = BrandQuerySet.as_manager()

    # Only there after seen_by.
    has_logo: bool

    class Meta:
        constraints = (models.UniqueConstraint(Coalesce("domain", 0), name="one_brand_for_each_domain"),)

    def __str__(self) -> str:
        return self.domain.name if self.domain else "hoster"
