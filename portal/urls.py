from django.urls import include, path

from portal import views

urlpatterns = [
    path("", views.home, name="home"),
    path("health/live", views.live, name="live"),
    path("health/ready", views.ready, name="ready"),
    path("metrics", views.show_metrics, name="metrics"),
    path("", include("accounts.urls")),
    path("", include("aliases.urls")),
    path("", include("batches.urls")),
    path("", include("branding.urls")),
    path("", include("clientsetup.urls")),
    path("", include("guide.urls")),
    path("", include("mailboxtemplates.urls")),
    path("", include("quotas.urls")),
    path("", include("support.urls")),
    path("", include("vacation.urls")),
    path("", include("adoption.urls")),
]
handler400 = "portal.views.bad_request"
handler403 = "portal.views.forbidden"
handler404 = "portal.views.not_found"
handler500 = "portal.views.server_error"
