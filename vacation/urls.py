from django.urls import path

from vacation import forward_views, views

app_name = "vacation"
urlpatterns = [
    path("mailboxes/<str:address>/auto-reply/", views.edit_auto_reply, name="edit-auto-reply"),
    path("mailboxes/<str:address>/forwarding/", forward_views.edit_forwarding, name="edit-forwarding"),
    path("mailboxes/<str:address>/forwarding/ask-again/", forward_views.ask_again, name="ask-again"),
    path("forwardings/<str:token>/", forward_views.answer_forwarding, name="answer-forwarding"),
]
