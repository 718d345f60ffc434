"""allauth's forms with an e-mail address, which here read it in its canonical form."""

from typing import Any

from allauth.account import fields, forms

from accounts.sign_in.email_addresses import canonicalise


class AddressInput(fields.EmailField):  # type: ignore[misc]
    """allauth's e-mail field, which reads the address in its canonical form."""

    def to_python(self, value: Any) -> str:
        return canonicalise(str(super().to_python(value) or ""))


class LoginForm(forms.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = AddressInput()
        if "remember" in self.fields:
            self.fields["remember"].label = "Remember me"


class AddEmailForm(forms.AddEmailForm):  # type: ignore[misc]
    email = AddressInput(required=True)


class ResetPasswordForm(forms.ResetPasswordForm):  # type: ignore[misc]
    email = AddressInput(required=True)


class RequestLoginCodeForm(forms.RequestLoginCodeForm):  # type: ignore[misc]
    email = AddressInput()
