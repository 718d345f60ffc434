from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import access, security_signals  # noqa: F401  `access` hears of sign-outs and new passwords

        security_signals.connect()
