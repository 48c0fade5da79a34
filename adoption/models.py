"""Taking over what a mail server already holds: what was found, and how far it has come."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from mailservers.models import Server, say


class Adoption(models.Model):
    """One go at a server: first it is read and told, then somebody has it done; it can stop at any moment."""

    class State(models.TextChoices):
        READING = "reading", _("being read")
        PLANNED = "planned", _("ready to begin")
        RUNNING = "running", _("being taken over")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")

    BUSY = (State.READING, State.RUNNING)

    server = models.ForeignKey(Server, models.CASCADE, related_name="adoptions")
    only_domain = models.CharField(
        max_length=253, blank=True, help_text=_("Empty: all of the server's domains.")
    )
    returning = models.BooleanField(
        default=False, help_text=_("Also where a mailbox that was removed for good had the login.")
    )
    asked_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State, default=State.READING)
    plan = models.JSONField(default=list, help_text=_("What was found, by domain."))
    # The cursor: domains that are not through, and the address in the first of them that was the last.
    domains_left = models.JSONField(default=list)
    after = models.CharField(max_length=320, blank=True)
    mailboxes_found = models.PositiveIntegerField(default=0)
    mailboxes_seen = models.PositiveIntegerField(default=0)
    mailboxes_adopted = models.PositiveIntegerField(default=0)
    aliases_adopted = models.PositiveIntegerField(default=0)
    passed_over = models.JSONField(default=list, help_text=_("Addresses that were left out, each with why."))
    reason = models.TextField(blank=True)
    reason_values = models.JSONField(default=dict, blank=True)
    working_until = models.DateTimeField(null=True, help_text=_("A worker has it until then."))
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.server}"

    @property
    def is_busy(self) -> bool:
        return self.state in self.BUSY

    @property
    def percent(self) -> int:
        return min(100, self.mailboxes_seen * 100 // self.mailboxes_found) if self.mailboxes_found else 0

    @property
    def reason_text(self) -> str:
        return say(self.reason, self.reason_values)

    @property
    def passed_over_told(self) -> list[tuple[str, str]]:
        """Addresses, each with why in the reader's language."""
        return [(address, say(why, values)) for address, why, values in self.passed_over]
