from django.urls import path

from support import chain_views, reasons, views

app_name = "support"
urlpatterns = [
    path("audit/", views.search_events, name="search-events"),
    path("audit/why/", reasons.say_why, name="say-why"),
    path("audit/days/", views.count_days, name="count-days"),
    path("audit/export/", views.export_events, name="export-events"),
    path("audit/chain/", chain_views.show_chain, name="show-chain"),
    path("audit/chain/<int:number>/", chain_views.download_checkpoint, name="download-checkpoint"),
    path("audit/events/<int:number>/", views.show_event, name="show-event"),
    path("audit/mailboxes/<str:address>/", views.show_mailbox_timeline, name="show-mailbox-timeline"),
    path("audit/people/<str:username>/", views.show_person_timeline, name="show-person-timeline"),
    path("audit/servers/<slug:server>/", views.show_server_timeline, name="show-server-timeline"),
    path("domains/<str:name>/history/", views.show_domain_history, name="show-domain-history"),
]
