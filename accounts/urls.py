from django.urls import path

from accounts.views import api_keys, provider_keys, settings

urlpatterns = [
    path("settings/", settings.overview, name="settings"),
    path("settings/api-keys/", api_keys.api_key_list, name="api_keys"),
    path("settings/api-keys/<int:pk>/revoke/", api_keys.revoke_api_key, name="api_key_revoke"),
    path("settings/provider-keys/", provider_keys.provider_key_list, name="provider_keys"),
    path("settings/provider-keys/<slug:provider>/", provider_keys.save_provider_key, name="provider_key_save"),
    path("settings/provider-keys/<slug:provider>/test/", provider_keys.test_provider_key, name="provider_key_test"),
    path(
        "settings/provider-keys/<slug:provider>/delete/", provider_keys.delete_provider_key, name="provider_key_delete"
    ),
    path("accounts/invitation/<str:token>/", settings.accept_invitation, name="accept_invitation"),
]
