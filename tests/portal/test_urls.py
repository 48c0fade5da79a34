"""Every address of the portal, asked for by everybody in every way, against one table.

A url that is missing in the table fails the test, and so does a line of the table without a url.
"""

import itertools

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.lookups import IMPERSONAL
from accounts.models import Alias
from adoption.models import Adoption
from audit.chain import record
from audit.models import Seal
from batches.models import Batch
from mailboxtemplates.models import MailboxTemplate
from mailservers import outbox

WHO = ["nobody", "mailbox user", "other webmaster", "webmaster", "support", "operator"]
# POST comes last: some views end the session.
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "POST"]

# For each view: what each of WHO gets from GET and from POST. Every other method is refused: 405, or, for
# those who get no further anyway, the same as GET. "in": sent to the sign-in page; "to": sent elsewhere.
IN, TO, OK, NO, NOT = "in", "to", 200, 404, 405
TABLE = {
    #                            nobody     mailbox user  other wm   webmaster  support    operator
    "home":                    [(IN, IN),   (TO, NOT),  (TO, NOT), (TO, NOT), (TO, NOT), (TO, NOT)],
    "live":                    [(OK, NOT),  (OK, NOT),  (OK, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    # 503: the tests have no broker.
    "ready":                   [(503, NOT), (503, NOT), (503, NOT), (503, NOT), (503, NOT), (503, NOT)],
    "metrics":                 [(OK, NOT),  (OK, NOT),  (OK, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "accounts:sign-in":        [(OK, OK),   (TO, TO),   (TO, TO),  (TO, TO),  (TO, TO),  (TO, TO)],
    "accounts:enter-code":     [(IN, IN),   (TO, TO),   (TO, TO),  (TO, TO),  (TO, TO),  (TO, TO)],
    "accounts:step-up":         [(IN, IN),   (OK, OK),   (OK, OK),  (OK, OK),  (OK, OK),  (OK, OK)],
    "accounts:choose-password": [(OK, NO)] * 6,
    "accounts:edit-own-address": [(IN, IN),  (NO, NO),   (OK, OK),  (OK, OK),  (OK, OK),  (OK, OK)],
    "accounts:edit-recovery":   [(IN, IN),   (OK, OK),   (NO, NO),  (NO, NO),  (NO, NO),  (NO, NO)],
    "accounts:confirm-address": [(OK, NO)] * 6,
    "accounts:not-me":          [(OK, NO)] * 6,
    "accounts:unfreeze":        [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "accounts:judge-password": [(NOT, NO), (NOT, OK),   (NOT, OK), (NOT, OK), (NOT, OK), (NOT, OK)],
    # Mailbox users have no password besides their mailbox's.
    "accounts:change-own-password": [(IN, IN), (NO, NO), (OK, OK), (OK, OK),  (OK, OK),  (OK, OK)],
    "accounts:show-account":    [(IN, IN),   (OK, NOT),  (OK, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    # The page that asks for the password again.
    "accounts:add-authenticator": [(IN, IN), (OK, OK),   (OK, OK),  (OK, OK),  (OK, OK),  (OK, OK)],
    "accounts:add-passkey":      [(IN, IN),   (OK, OK),   (OK, OK),  (OK, OK),  (OK, OK),  (OK, OK)],
    # 409: passkeys can't be used where the tests are.
    "accounts:begin-adding-passkey": [(IN, IN)] + [(NOT, 409)] * 5,
    "accounts:begin-passkey":   [(IN, IN)] + [(NOT, 409)] * 5,
    "accounts:begin-passkey-sign-in": [(NOT, 409)] * 6,
    "accounts:sign-in-with-passkey": [(NOT, OK)] + [(NOT, TO)] * 5,
    "accounts:remove-factor":   [(IN, IN),   (NOT, OK),  (NOT, OK), (NOT, OK), (NOT, OK), (NOT, OK)],
    "accounts:make-recovery-codes": [(IN, IN), (NOT, OK), (NOT, OK), (NOT, OK), (NOT, OK), (NOT, OK)],
    "accounts:end-session":     [(IN, IN),   (NOT, TO),  (NOT, TO), (NOT, TO), (NOT, TO), (NOT, TO)],
    "accounts:end-other-sessions": [(IN, IN), (NOT, TO), (NOT, TO), (NOT, TO), (NOT, TO), (NOT, TO)],
    "accounts:list-people":     [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "accounts:invite-person":   [(IN, IN),   (NO, NO),   (NO, NO),  (NO, NO),  (NO, NO),  (OK, OK)],
    # The person is willem, the webmaster. OK for POST: the password is asked for again.
    "accounts:show-person":     [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "accounts:change-rights":   [(IN, IN),   (NO, NO),   (NO, NO),  (NO, NO),  (NO, NO),  (OK, OK)],
    "accounts:make-person-link": [(IN, IN),  (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, OK)],
    "accounts:disable-person":  [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, OK)],
    "accounts:enable-person":   [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, OK)],
    "accounts:reset-factor":    [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, OK)],
    "accounts:remove-person":   [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, OK)],
    "accounts:create-domain":   [(IN, IN),   (NO, NO),   (NO, NO),  (NO, NO),  (NO, NO),  (OK, OK)],
    "accounts:edit-domain":     [(IN, IN),   (NO, NO),   (NO, NO),  (NO, NO),  (NO, NO),  (OK, OK)],
    "accounts:edit-password-rules": [(IN, IN), (NO, NO), (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "accounts:edit-app-password-rule": [(IN, IN), (NO, NO), (NO, NO), (OK, OK), (NO, NO), (OK, OK)],
    "accounts:list-webmasters": [(IN, IN),   (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "accounts:invite-webmaster": [(IN, IN),  (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "accounts:remove-webmaster": [(IN, IN),  (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "accounts:sign-out":       [(IN, IN),   (NOT, TO),  (NOT, TO), (NOT, TO), (NOT, TO), (NOT, TO)],
    "accounts:edit-settings":  [(IN, IN)] + [(OK, TO)] * 5,
    "accounts:choose-language": [(NOT, TO)] * 6,
    "accounts:list-domains":   [(IN, IN),   (OK, NOT),  (OK, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "accounts:list-mailboxes": [(IN, IN),   (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "accounts:show-mailbox":   [(IN, IN),   (OK, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "accounts:ask-for-password": [(OK, OK)] * 6,
    "accounts:list-password-requests": [(IN, IN), (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "accounts:decide-password-request": [(IN, IN), (NOT, NO), (NOT, NO), (NOT, NO), (NOT, NO), (NOT, NO)],
    "accounts:require-new-password": [(IN, IN), (NOT, NO), (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "accounts:make-password-link": [(IN, IN), (NOT, NO), (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "mailboxtemplates:create-mailbox": [(IN, IN), (NO, NO), (NO, NO), (OK, OK), (NO, NO), (OK, OK)],
    "mailboxtemplates:list-templates": [(IN, IN), (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "mailboxtemplates:create-template": [(IN, IN), (NO, NO), (NO, NO), (OK, OK), (NO, NO), (OK, OK)],
    "mailboxtemplates:edit-template": [(IN, IN), (NO, NO), (NO, NO), (OK, OK), (NO, NO), (OK, OK)],
    "mailboxtemplates:remove-template": [(IN, IN), (NO, NO), (NO, NO), (OK, TO), (NO, NO), (OK, TO)],
    "accounts:list-deleted":   [(IN, IN),   (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "accounts:restore-mailbox": [(IN, IN),  (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, NO)],
    "accounts:edit-mailbox":   [(IN, IN),   (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "accounts:switch-mailbox": [(IN, IN),   (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "accounts:delete-mailbox": [(IN, IN),   (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "accounts:change-password": [(IN, IN),  (OK, OK),   (NO, NO),  (NO, NO),  (NO, NO),  (NO, NO)],
    "accounts:list-app-passwords": [(IN, IN), (OK, NOT), (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    # OK for POST: the password is asked for again; webmasters never make one, they find none of their own.
    "accounts:make-app-password": [(IN, IN)] + [(NOT, OK)] * 5,
    "accounts:switch-app-passwords": [(IN, IN)] + [(NOT, OK)] * 5,
    "accounts:end-app-password": [(IN, IN), (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "accounts:end-all-app-passwords": [(IN, IN), (NOT, TO), (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "accounts:show-history":   [(IN, IN),   (OK, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "accounts:keep-theirs":    [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "accounts:restore-ours":   [(IN, IN),   (NOT, OK),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "accounts:leave-theirs":   [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "accounts:check-now":      [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "accounts:acknowledge-redirects": [(IN, IN), (NOT, TO), (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "accounts:show-state":     [(IN, IN),   (OK, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "accounts:list-servers":   [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "accounts:show-server":    [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "accounts:show-check":     [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "accounts:check-server":   [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, TO)],
    "accounts:pause-server":   [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, TO)],
    "accounts:resume-server":  [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, TO)],
    "accounts:push-server":    [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, TO)],
    "accounts:plan-maintenance": [(IN, IN), (NO, NO),   (NO, NO),  (NO, NO),  (NO, NO),  (OK, TO)],
    "accounts:cancel":         [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "accounts:undo":           [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "accounts:try-again":      [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "accounts:compare-server": [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, TO)],
    "accounts:try-failed-again": [(IN, IN), (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, TO)],
    "accounts:list-waiting":   [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "accounts:list-failed":    [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "accounts:list-drifted":   [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "quotas:list-servers":     [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "quotas:show-usage":       [(IN, IN),   (OK, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "quotas:show-reading":     [(IN, IN),   (OK, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "quotas:read-again":       [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, TO), (NOT, TO)],
    "quotas:empty-trash":      [(IN, IN),   (OK, OK),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "quotas:change-quota":     [(IN, IN),   (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "quotas:request-quota":    [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, NO)],
    "quotas:list-usage":       [(IN, IN),   (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "quotas:change-quotas":    [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "quotas:edit-rules":       [(IN, IN),   (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "quotas:decide-request":   [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, NO)],
    "branding:edit-hosters-brand": [(IN, IN)] + [(NO, NO)] * 4 + [(OK, TO)],
    "branding:edit-brand":      [(IN, IN),  (NO, NO),   (NO, NO),  (OK, TO),  (NO, NO),  (OK, TO)],
    "branding:logo":            [(NO, NOT)] * 6,
    "branding:colours":         [(NO, NOT)] * 6,
    "accounts:download-own-data": [(IN, IN)] + [(NOT, OK)] * 5,
    "accounts:look-up":         [(IN, IN),   (NO, NO),   (NO, NO),  (NO, NO),  (OK, OK),  (NO, NO)],
    "accounts:look-up-domain": [(IN, IN),    (NO, NO),   (NO, NO),  (NO, NO),  (OK, OK),  (NO, NO)],
    "accounts:allow-help":      [(IN, IN),   (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "accounts:end-help":        [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "support:search-events":   [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "support:say-why":         [(IN, IN),   (NO, NO),   (NO, NO),  (NO, NO),  (OK, OK),  (NO, NO)],
    "support:count-days":      [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "support:show-chain":      [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "support:download-checkpoint": [(IN, IN), (NO, NOT), (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "support:export-events":   [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, NO)],
    "support:show-event":      [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "support:show-mailbox-timeline": [(IN, IN), (NO, NOT), (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "support:show-person-timeline": [(IN, IN), (NO, NOT), (NO, NOT), (NO, NOT), (TO, NOT), (OK, NOT)],
    "support:show-server-timeline": [(IN, IN), (NO, NOT), (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT)],
    "support:show-domain-history": [(IN, IN), (NO, NOT), (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "guide:list-pages":         [(OK, NOT)] * 6,
    "guide:show-page":          [(NO, NOT)] * 6,
    "clientsetup:show-card":    [(IN, IN),  (OK, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "clientsetup:print-sheet":  [(IN, IN),  (OK, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "clientsetup:download-pdf": [(IN, IN),  (NO, NO),   (NO, NO),  (NO, NO),  (NO, NO),  (NO, NO)],
    "clientsetup:download-profile": [(IN, IN), (NO, NOT), (NO, NOT), (NO, NOT), (NO, NOT), (NO, NOT)],
    "clientsetup:show-link":    [(IN, IN),  (NOT, OK),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "clientsetup:check-settings": [(IN, IN), (OK, OK),  (NO, NO),  (OK, OK),  (OK, OK),  (OK, OK)],
    "clientsetup:show-records": [(IN, IN),  (NO, NO),   (NO, NO),  (OK, OK),  (OK, OK),  (OK, OK)],
    "clientsetup:edit-server":  [(IN, IN)] + [(NO, NO)] * 4 + [(OK, OK)],
    "clientsetup:open-link":    [(OK, NO)] * 6,
    "clientsetup:show-opened":  [(NO, NOT)] * 6,
    "clientsetup:download-opened-profile": [(NO, NOT)] * 6,
    "clientsetup:autoconfig":   [(NO, NOT)] * 6,
    "clientsetup:autoconfig-well-known": [(NO, NOT)] * 6,
    "clientsetup:autodiscover-pox": [(NOT, 400)] * 6,
    "clientsetup:autodiscover-json": [(NO, NOT)] * 6,
    "clientsetup:autodiscover-json-address": [(NO, NOT)] * 6,
    "adoption:list-adoptions": [(IN, IN),   (NO, NO),   (NO, NO),  (NO, NO),  (NO, NO),  (OK, OK)],
    "adoption:show-adoption":  [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (NO, NOT), (OK, NOT)],
    "adoption:show-progress":  [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (NO, NOT), (OK, NOT)],
    "adoption:begin-adoption": [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, TO)],
    "adoption:stop-adoption":  [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, TO)],
    "batches:list-batches":   [(IN, IN),    (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "batches:upload":         [(IN, IN),    (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "batches:download-template": [(IN, IN), (NO, NOT),  (NO, NOT), (OK, NOT), (NO, NOT), (OK, NOT)],
    "batches:choose":         [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    # OK: the password is asked for again.
    "batches:export":         [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, OK), (NOT, OK)],
    "batches:show-batch":     [(IN, IN),    (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "batches:show-progress":  [(IN, IN),    (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "batches:begin":          [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "batches:stop":           [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "batches:undo":           [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "batches:throw-away":     [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "batches:print-letters":  [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "batches:download-not-done": [(IN, IN), (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    # The alias is info@example.test.
    "aliases:list-aliases":   [(IN, IN),    (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "aliases:create-alias":   [(IN, IN),    (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "aliases:edit-catch-all": [(IN, IN),    (NO, NO),   (NO, NO),  (OK, OK),  (OK, NO),  (OK, OK)],
    "aliases:give-names":     [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "aliases:check-now":      [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "aliases:hand-over":      [(IN, IN),    (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "aliases:edit-alias":     [(IN, IN),    (NO, NO),   (NO, NO),  (OK, OK),  (OK, NO),  (OK, OK)],
    "aliases:delete-alias":   [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "aliases:keep-theirs":    [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "aliases:restore-ours":   [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, OK), (NOT, NO), (NOT, OK)],
    "aliases:acknowledge":    [(IN, IN),    (NOT, NO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "vacation:edit-auto-reply": [(IN, IN),  (OK, OK),   (NO, NO),  (OK, OK),  (OK, NO),  (OK, OK)],
    "vacation:edit-forwarding": [(IN, IN),  (OK, OK),   (NO, NO),  (OK, OK),  (OK, NO),  (OK, OK)],
    "vacation:order-own-rules": [(IN, IN), (NOT, TO), (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "vacation:ask-again":      [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "vacation:edit-mail-rules": [(IN, IN),  (NO, NO),   (NO, NO),  (OK, OK),  (NO, NO),  (OK, OK)],
    "vacation:list-forwardings": [(IN, IN), (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "vacation:show-away":      [(IN, IN),   (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "vacation:list-requests":  [(IN, IN),   (NO, NOT),  (NO, NOT), (OK, NOT), (OK, NOT), (OK, NOT)],
    "vacation:edit-reply-templates": [(IN, IN), (NO, NO), (NO, NO), (OK, OK), (NO, NO),  (OK, OK)],
    "vacation:decide-request": [(IN, IN),   (NOT, NO),  (NOT, NO), (NOT, NO), (NOT, NO), (NOT, NO)],
    "vacation:prove":          [(IN, IN),   (NOT, TO),  (NOT, NO), (NOT, TO), (NOT, NO), (NOT, TO)],
    "vacation:show-proof":     [(IN, IN),   (NO, NOT),  (NO, NOT), (NO, NOT), (NO, NOT), (NO, NOT)],
    "vacation:answer-forwarding": [(OK, NO)] * 6,
    "vacation:open-older-link": [(NO, NOT)] * 6,
}  # fmt: skip


@pytest.fixture
def people(owner, other_webmaster, webmaster, support, operator):
    return dict(zip(WHO, [None, owner, other_webmaster, webmaster, support, operator], strict=True))


@pytest.fixture
def change(mailbox, looked_up):
    change = outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    # All are named by a number: here by the same.
    Adoption.objects.create(pk=change.pk, server=mailbox.server)
    Batch.objects.create(pk=change.pk, domain=mailbox.domain)
    MailboxTemplate.objects.create(pk=change.pk, domain=mailbox.domain, title="Employee")
    told = {"kind": "checkpoint", "made_at": "2026-11-24T03:10:00+00:00", "events": 1, "ends": {}}
    Seal.objects.create(pk=change.pk, kind="checkpoint", made_at=timezone.now(), statement=told)
    alias = Alias.objects.create(address="info@example.test", domain=mailbox.domain)
    alias.targets.create(address="away@elsewhere.test")
    return change


def urls(resolver=None, namespace=""):
    """Every named url: (view name, its pattern as text)."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from ((name, str(entry.pattern) + route) for name, route in urls(entry, inner))
        elif isinstance(entry, URLPattern):
            assert entry.name, f"{entry.pattern} has no name"
            yield namespace + entry.name, str(entry.pattern)


URLS = dict(urls())


def test_the_table_holds_every_url_and_nothing_else():
    assert set(TABLE) == set(URLS)


def outcome(answer):
    if answer.status_code == 302:
        return IN if answer.headers["Location"].startswith("/sign-in/?next=") else TO
    return answer.status_code


@pytest.mark.parametrize(("view", "who"), itertools.product(TABLE, WHO))
def test_everybody_gets_what_the_table_says(client, mailbox, people, change, view, who):
    path = "/" + URLS[view].replace("<int:number>", str(change.pk)).replace(
        "<str:name>", "example.test"
    ).replace("<str:username>", "willem").replace("<str:address>", mailbox.address).replace(
        "<slug:server>", mailbox.server.name
    ).replace("<str:alias>", "info@example.test")
    reads, posts = TABLE[view][WHO.index(who)]
    if people[who]:
        client.force_login(people[who], "accounts.backends.PersonBackend")
    for method in METHODS:
        if method == "HEAD" and reads == OK and who != "operator":
            # The same page once more, for nothing: operators look whether it is answered at all.
            continue
        found = outcome(client.generic(method, path))
        if method in ("GET", "HEAD"):
            assert (method, found) == (method, reads)
        elif method == "POST":
            assert (method, found) == (method, posts)
        else:
            assert (method, found) in [(method, NOT), (method, reads if reads in (IN, NO, TO) else NOT)]


def test_an_address_that_nothing_answers_is_not_found(client, operator):
    client.force_login(operator)
    assert client.get("/no/such/page").status_code == 404
    assert "Back button" in client.post("/no/such/page").content.decode()


@pytest.mark.parametrize(
    "view",
    [
        view
        for view, url in URLS.items()
        if "<str:name>" in url or "<str:alias>" in url or view.startswith("batches:")
    ],
)
def test_support_reads_what_a_domains_people_do_only_after_a_reason(client, mailbox, support, change, view):
    client.cookies.clear()
    client.force_login(support)
    path = "/" + URLS[view].replace("<int:number>", str(change.pk)).replace("<str:name>", "example.test")
    answer = client.get(path.replace("<str:alias>", "info@example.test"))
    asked = answer.status_code == 302 and answer.headers["Location"].startswith("/domains/example.test/why/")
    assert asked == (view not in IMPERSONAL)
