"""The configuration of a site that others reach, as compose.yaml gives it."""

PRODUCTION = {
    "ALLOWED_HOSTS": "voice.example.com",
    "HTTPS": "true",
    "TRUSTED_PROXY_COUNT": "1",
    "STATIC_HASHED": "true",
    "EMAIL_HOST": "mail.example.com",
    "DEFAULT_FROM_EMAIL": "Voice <voice@example.com>",
    "SECRET_KEY": "J8s-0Wm2pQx7rT5vZ1nB4kL9dF6hG3yC" * 2,
}
