from django.urls import path

from aliases import server_views, views

app_name = "aliases"
urlpatterns = [
    path("domains/<str:name>/aliases/", views.list_aliases, name="list-aliases"),
    path("domains/<str:name>/aliases/new/", views.create_alias, name="create-alias"),
    path("domains/<str:name>/catch-all/", views.edit_catch_all, name="edit-catch-all"),
    path("domains/<str:name>/protected-names/", views.give_names, name="give-names"),
    path("domains/<str:name>/aliases/check/", server_views.check_now, name="check-now"),
    path("mailboxes/<str:address>/hand-over/", views.hand_over, name="hand-over"),
    path("aliases/<str:alias>/", views.edit_alias, name="edit-alias"),
    path("aliases/<str:alias>/delete/", views.delete_alias, name="delete-alias"),
    path("aliases/<str:alias>/keep-theirs/", server_views.keep_theirs, name="keep-theirs"),
    path("aliases/<str:alias>/restore-ours/", server_views.restore_ours, name="restore-ours"),
    path("aliases/<str:alias>/seen/", server_views.acknowledge, name="acknowledge"),
]
