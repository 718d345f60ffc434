"""Who may have an account, and how people sign in (django-allauth)."""

from voiceproject.settings.env import env_choice, env_int
from voiceproject.settings.operation import EMAIL_HOST

# Who may make an account: anybody, those invited, or nobody.
SIGN_UP = env_choice("SIGN_UP", ("open", "invitation", "closed"), "open")
# Where users may point an OpenAI-compatible base_url of their own: public addresses, any (also this machine and its
# private network), or none.
USER_BASE_URLS = env_choice("USER_BASE_URLS", ("public", "any", "none"), "public")

# Accounts (django-allauth): e-mail and password, no user name.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.sign_in.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.InvitedSignupForm",
    "login": "accounts.sign_in.email_forms.LoginForm",
    "add_email": "accounts.sign_in.email_forms.AddEmailForm",
    "reset_password": "accounts.sign_in.email_forms.ResetPasswordForm",
    "request_login_code": "accounts.sign_in.email_forms.RequestLoginCodeForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_HOST else "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Voiceproject] "
ACCOUNT_EMAIL_NOTIFICATIONS = bool(EMAIL_HOST)  # tells the owner of a changed password or address
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # the password again before an address is changed: it can reset the password
# How long that counts before it is asked for again, also for API keys and provider keys.
ACCOUNT_REAUTHENTICATION_TIMEOUT = env_int("REAUTHENTICATION_SEC", 300, lowest=30, highest=86_400)
ACCOUNT_LOGIN_BY_CODE_ENABLED = True  # the way in while others' wrong passwords have the account slowed
# allauth's own rate limits are on, but for those by recipient, which let anybody use up somebody else's: the site
# counts wrong passwords and mails itself, see accounts/security/throttles.py.
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip", "request_login_code": "20/m/ip", "login_failed": None}
# Mails to people without an account here (that there is none, or to verify an address) in an hour, whoever asks.
STRANGER_MAILS_PER_HOUR = env_int("STRANGER_MAILS_PER_HOUR", 200, lowest=1, highest=1_000_000)
# How long an invitation's link is good for.
INVITATION_DAYS = env_int("INVITATION_DAYS", 14, lowest=1, highest=365)
# What other apps do before users are deleted: functions of a queryset of them.
USER_DELETION_STEPS = ["conversations.storage.deletion.delete_conversations_of"]
