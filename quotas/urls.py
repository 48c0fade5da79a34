from django.urls import path

from quotas import domain_views, views

app_name = "quotas"
urlpatterns = [
    path("usage/", domain_views.list_servers, name="list-servers"),
    path("mailboxes/<str:address>/usage/", views.show_usage, name="show-usage"),
    path("mailboxes/<str:address>/usage/reading/", views.show_reading, name="show-reading"),
    path("mailboxes/<str:address>/usage/read-again/", views.read_again, name="read-again"),
    path("mailboxes/<str:address>/usage/trash/", views.empty_trash, name="empty-trash"),
    path("mailboxes/<str:address>/usage/quota/", views.change_quota, name="change-quota"),
    path("mailboxes/<str:address>/usage/request/", views.request_quota, name="request-quota"),
    path("domains/<str:name>/usage/", domain_views.list_usage, name="list-usage"),
    path("domains/<str:name>/usage/quotas/", domain_views.change_quotas, name="change-quotas"),
    path("domains/<str:name>/usage/rules/", domain_views.edit_rules, name="edit-rules"),
    path("quota-requests/<int:number>/decide/", domain_views.decide_request, name="decide-request"),
]
