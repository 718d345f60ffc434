"""allauth's forms in which one gives an e-mail address, each taking it in its one way of writing."""

from typing import Any

from allauth.account import fields, forms

from accounts.sign_in.email_addresses import canonical


class AddressInput(fields.EmailField):  # type: ignore[misc]
    """An e-mail field with the looks of allauth's."""

    def to_python(self, value: Any) -> str:
        return canonical(str(super().to_python(value) or ""))


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
