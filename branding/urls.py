from django.urls import path

from branding import views

app_name = "branding"
urlpatterns = [
    path("branding/", views.edit_hosters_brand, name="edit-hosters-brand"),
    path("domains/<str:name>/branding/", views.edit_brand, name="edit-brand"),
    path("branding/<str:name>/logo.png", views.logo, name="logo"),
    path("branding/<str:name>/colours.css", views.show_colours, name="colours"),
]
