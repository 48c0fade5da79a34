from django.urls import path

from accounts import changes, drift, mailbox_views, servers, settings_views, views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/code/", views.enter_code, name="enter-code"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("settings/", settings_views.edit_settings, name="edit-settings"),
    path("language/", settings_views.choose_language, name="choose-language"),
    path("domains/", views.list_domains, name="list-domains"),
    path("domains/<str:name>/", views.list_mailboxes, name="list-mailboxes"),
    path("domains/<str:name>/new-mailbox/", mailbox_views.create_mailbox, name="create-mailbox"),
    path("domains/<str:name>/deleted/", mailbox_views.list_deleted, name="list-deleted"),
    path("deleted/<str:address>/restore/", mailbox_views.restore_mailbox, name="restore-mailbox"),
    path("mailboxes/<str:address>/edit/", mailbox_views.edit_mailbox, name="edit-mailbox"),
    path("mailboxes/<str:address>/switch/", mailbox_views.switch_mailbox, name="switch-mailbox"),
    path("mailboxes/<str:address>/delete/", mailbox_views.delete_mailbox, name="delete-mailbox"),
    path("mailboxes/<str:address>/", views.show_mailbox, name="show-mailbox"),
    path("mailboxes/<str:address>/password/", views.change_password, name="change-password"),
    path("mailboxes/<str:address>/history/", views.show_history, name="show-history"),
    path("mailboxes/<str:address>/keep-theirs/", drift.keep_theirs, name="keep-theirs"),
    path("mailboxes/<str:address>/restore-ours/", drift.restore_ours, name="restore-ours"),
    path("mailboxes/<str:address>/check/", drift.check_now, name="check-now"),
    path(
        "mailboxes/<str:address>/redirects-seen/", drift.acknowledge_redirects, name="acknowledge-redirects"
    ),
    path("servers/", servers.list_servers, name="list-servers"),
    path("servers/<slug:server>/", servers.show_server, name="show-server"),
    path("servers/<slug:server>/check/", servers.check_server, name="check-server"),
    path("servers/<slug:server>/check/answer/", servers.show_check, name="show-check"),
    path("servers/<slug:server>/pause/", servers.pause_server, name="pause-server"),
    path("servers/<slug:server>/resume/", servers.resume_server, name="resume-server"),
    path("servers/<slug:server>/push/", servers.push_server, name="push-server"),
    path("servers/<slug:server>/compare/", servers.compare_server, name="compare-server"),
    path("servers/<slug:server>/try-again/", servers.try_failed_again, name="try-failed-again"),
    path("servers/<slug:server>/waiting/", servers.list_waiting, name="list-waiting"),
    path("servers/<slug:server>/failed/", servers.list_failed, name="list-failed"),
    path("servers/<slug:server>/drifted/", servers.list_drifted, name="list-drifted"),
    path("servers/<slug:server>/maintenance/", servers.plan_maintenance, name="plan-maintenance"),
    path("changes/<int:number>/state/", changes.show_state, name="show-state"),
    path("changes/<int:number>/cancel/", changes.cancel, name="cancel"),
    path("changes/<int:number>/undo/", changes.undo, name="undo"),
    path("changes/<int:number>/try-again/", changes.try_again, name="try-again"),
]
