from django.urls import path

from batches import file_views, views

app_name = "batches"
urlpatterns = [
    path("domains/<str:name>/batches/", views.list_batches, name="list-batches"),
    path("domains/<str:name>/batches/upload/", file_views.upload, name="upload"),
    path("domains/<str:name>/batches/template/", file_views.download_template, name="download-template"),
    path("domains/<str:name>/batches/choose/", views.choose, name="choose"),
    path("domains/<str:name>/export/", file_views.export, name="export"),
    path("batches/<int:number>/", views.show_batch, name="show-batch"),
    path("batches/<int:number>/progress/", views.show_progress, name="show-progress"),
    path("batches/<int:number>/begin/", views.begin, name="begin"),
    path("batches/<int:number>/stop/", views.stop, name="stop"),
    path("batches/<int:number>/undo/", views.undo, name="undo"),
    path("batches/<int:number>/throw-away/", views.throw_away, name="throw-away"),
    path("batches/<int:number>/letters/", views.print_letters, name="print-letters"),
    path("batches/<int:number>/not-done/", file_views.download_not_done, name="download-not-done"),
]
