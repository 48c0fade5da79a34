from django.urls import path

from clientsetup import domain_views, machine_views, server_views, views

app_name = "clientsetup"
urlpatterns = [
    path("mailboxes/<str:address>/set-up/", views.show_card, name="show-card"),
    path("mailboxes/<str:address>/set-up/sheet/", views.print_sheet, name="print-sheet"),
    path("mailboxes/<str:address>/set-up/pdf/", views.download_pdf, name="download-pdf"),
    path("mailboxes/<str:address>/set-up/profile/", views.download_profile, name="download-profile"),
    path("mailboxes/<str:address>/set-up/link/", views.show_link, name="show-link"),
    path("mailboxes/<str:address>/set-up/check/", views.check_settings, name="check-settings"),
    path("set-up/", views.open_link, name="open-link"),
    path("set-up/opened/", views.show_opened, name="show-opened"),
    path("set-up/profile/", views.download_opened_profile, name="download-opened-profile"),
    path("domains/<str:name>/set-up/", domain_views.show_records, name="show-records"),
    path("servers/<slug:server>/set-up/", server_views.edit_server, name="edit-server"),
    # For programs; see middleware.py.
    path("mail/config-v1.1.xml", machine_views.autoconfig, name="autoconfig"),
    path(
        ".well-known/autoconfig/mail/config-v1.1.xml", machine_views.autoconfig, name="autoconfig-well-known"
    ),
    path("autodiscover/autodiscover.xml", machine_views.autodiscover_pox, name="autodiscover-pox"),
    path("autodiscover/autodiscover.json", machine_views.autodiscover_json, name="autodiscover-json"),
    path(
        "autodiscover/autodiscover.json/v1.0/<str:address>",
        machine_views.autodiscover_json,
        name="autodiscover-json-address",
    ),
]
