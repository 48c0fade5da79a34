from django.urls import path

from guide import views

app_name = "guide"
urlpatterns = [
    path("help/", views.list_pages, name="list-pages"),
    path("help/<str:name>/", views.show_page, name="show-page"),
]
