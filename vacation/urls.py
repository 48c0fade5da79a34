from django.urls import path

from vacation import domain_views, forward_views, proof_views, views

app_name = "vacation"
urlpatterns = [
    path("mailboxes/<str:address>/auto-reply/", views.edit_auto_reply, name="edit-auto-reply"),
    path("mailboxes/<str:address>/forwarding/", forward_views.edit_forwarding, name="edit-forwarding"),
    path("mailboxes/<str:address>/forwarding/ask-again/", forward_views.ask_again, name="ask-again"),
    path("mailboxes/<str:address>/own-rules/", views.order_own_rules, name="order-own-rules"),
    path("domains/<str:name>/mail-rules/", domain_views.edit_mail_rules, name="edit-mail-rules"),
    path("domains/<str:name>/forwardings/", domain_views.list_forwardings, name="list-forwardings"),
    path("domains/<str:name>/away/", domain_views.show_away, name="show-away"),
    path("domains/<str:name>/requests/", domain_views.list_requests, name="list-requests"),
    path(
        "domains/<str:name>/reply-templates/",
        domain_views.edit_reply_templates,
        name="edit-reply-templates",
    ),
    path("setting-requests/<int:number>/decide/", domain_views.decide_request, name="decide-request"),
    path("mailboxes/<str:address>/prove/", proof_views.prove, name="prove"),
    path("proofs/<int:number>/", proof_views.show_proof, name="show-proof"),
    path("forwardings/", forward_views.answer_forwarding, name="answer-forwarding"),
    path("forwardings/<str:code>/", forward_views.open_older_link, name="open-older-link"),
]
