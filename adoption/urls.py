from django.urls import path

from adoption import views

app_name = "adoption"
urlpatterns = [
    path("adoptions/", views.list_adoptions, name="list-adoptions"),
    path("adoptions/<int:number>/", views.show_adoption, name="show-adoption"),
    path("adoptions/<int:number>/progress/", views.show_progress, name="show-progress"),
    path("adoptions/<int:number>/begin/", views.begin_adoption, name="begin-adoption"),
    path("adoptions/<int:number>/stop/", views.stop_adoption, name="stop-adoption"),
]
