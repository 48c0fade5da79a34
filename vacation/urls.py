from django.urls import path

from vacation import views

app_name = "vacation"
urlpatterns = [
    path("mailboxes/<str:address>/auto-reply/", views.edit_auto_reply, name="edit-auto-reply"),
]
