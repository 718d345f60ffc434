"""Credentials of providers that look right and let nobody in."""

ACCOUNT = {
    "type": "service_account",
    "client_email": "voice@example.iam.gserviceaccount.com",
    "private_key": "-----BEGIN PRIVATE KEY-----",
    "token_uri": "https://oauth2.googleapis.com/token",
}
