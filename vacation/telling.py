"""Who is told of a change of somebody's mail, and what becomes of a request that it overtakes."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import writing_to
from accounts.mail_readers import webmasters_to_tell
from accounts.models import Mailbox, Person
from mails.queue import post
from mailservers.words import with_server
from vacation.models import SettingRequest


def replace_request(mailbox: Mailbox, setting: str) -> None:
    """Newest wins: what somebody saved after it was asked for takes its place."""
    SettingRequest.objects.filter(
        mailbox=mailbox, setting=setting, state=SettingRequest.State.WAITING
    ).update(state=SettingRequest.State.REPLACED, decided_at=timezone.now())


def tell_user(mailbox: Mailbox, setting: str, by: Person) -> None:
    """A mail to the mailbox when somebody else changed its setting."""
    if mailbox.owner_id == by.pk:
        return
    with writing_to(mailbox):
        words = {"who": by.name or by.username, "address": mailbox.address}
        if setting == SettingRequest.Setting.AUTO_REPLY:
            subject = _("%(who)s set the auto-reply of your mailbox")
            text = _("%(who)s changed the auto-reply of %(address)s for you. You can see and change it here:")
        else:
            subject = _("%(who)s set the forwarding of your mailbox")
            text = _("%(who)s changed the forwarding of %(address)s. You can see and change it here:")
        post(
            [mailbox.address],
            subject % words,
            f"{text % words}\n\n{link_to(mailbox, setting)}\n",
            domain=mailbox.domain.name,
        )


def tell_webmasters(request: SettingRequest) -> None:
    """Somebody waits for their approval."""
    mailbox = request.mailbox
    domain = mailbox.domain
    link = f"{settings.PUBLIC_URL}{reverse('vacation:list-requests', args=[domain.name])}"
    for person in webmasters_to_tell(domain):
        with writing_to(person):
            words = {"address": mailbox.address, "setting": request.get_setting_display()}
            subject = _("%(address)s asks for your approval: %(setting)s") % words
            text = _("The user of %(address)s wants a change that a webmaster has to approve:") % words
            post([person.email], subject, f"{text}\n\n{link}\n", domain=domain.name)


def tell_of_decision(request: SettingRequest) -> None:
    mailbox = request.mailbox
    with writing_to(mailbox):
        words = {"address": mailbox.address, "setting": request.get_setting_display()}
        if request.state == SettingRequest.State.APPROVED:
            subject = _("Approved: %(setting)s of %(address)s") % words
            text = with_server(_("What you asked for is approved."), mailbox.server)
        else:
            subject = _("Not approved: %(setting)s of %(address)s") % words
            text = _("What you asked for is not approved. Nothing was changed.")
        reason = f"\n\n{request.reason}" if request.reason else ""
        post(
            [mailbox.address],
            subject,
            f"{text}{reason}\n\n{link_to(mailbox, request.setting)}\n",
            domain=mailbox.domain.name,
        )


def link_to(mailbox: Mailbox, setting: str) -> str:
    page = "edit-auto-reply" if setting == SettingRequest.Setting.AUTO_REPLY else "edit-forwarding"
    return f"{settings.PUBLIC_URL}{reverse(f'vacation:{page}', args=[mailbox.address])}"
