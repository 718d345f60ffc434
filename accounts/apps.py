from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import access  # noqa: F401  whose receivers hear of sign-outs and new passwords
