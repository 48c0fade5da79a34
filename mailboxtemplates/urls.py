from django.urls import path

from mailboxtemplates import views

app_name = "mailboxtemplates"
urlpatterns = [
    path("domains/<str:name>/new-mailbox/", views.create_mailbox, name="create-mailbox"),
    path("domains/<str:name>/templates/", views.list_templates, name="list-templates"),
    path("domains/<str:name>/templates/new/", views.create_template, name="create-template"),
    path("mailbox-templates/<int:number>/", views.edit_template, name="edit-template"),
    path("mailbox-templates/<int:number>/delete/", views.remove_template, name="remove-template"),
]
