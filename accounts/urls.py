from django.urls import path

from accounts.views import api_keys, provider_keys, settings

urlpatterns = [
    path("settings/", settings.show_overview, name="settings"),
    path("settings/api-keys/", api_keys.list_api_keys, name="api_keys"),
    path("settings/api-keys/<int:pk>/revoke/", api_keys.revoke_api_key, name="api_key_revoke"),
    path("settings/provider-keys/", provider_keys.list_provider_keys, name="provider_keys"),
    path("settings/provider-keys/<slug:provider>/", provider_keys.save_provider_key, name="provider_key_save"),
    path("settings/provider-keys/<slug:provider>/test/", provider_keys.test_provider_key, name="provider_key_test"),
    path(
        "settings/provider-keys/<slug:provider>/delete/", provider_keys.delete_provider_key, name="provider_key_delete"
    ),
    path("accounts/invitation/<str:token>/", settings.accept_invitation, name="accept_invitation"),
]
