"""The canonical form of an e-mail address, so that one mailbox is one account however its address was typed.

Letters are normalised (NFKC) and in lower case. The domain is written as the name service knows it (IDNA 2008):
bücher.example is xn--bcher-kva.example. Spaces around the address and a dot at its end are removed.
"""

import re
import unicodedata
from contextlib import suppress
from typing import Any

import idna
from django import forms
from django.db import models

QUOTED_ATOM = re.compile(r"\"([\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*)\"", re.ASCII)
LONGEST = 320  # what Django's validator lets through; a longer text is none, and is left to it


def canonicalise(text: str) -> str:
    """Return the canonical form of an address.

    Text that is no address comes back in lower case, for validation to refuse.
    """
    if len(text) > LONGEST:
        return text
    text = unicodedata.normalize("NFKC", text).strip().lower()
    local, at, domain = text.rpartition("@")
    return f"{_strip_quotes(local.strip())}{at}{_canonicalise_domain(domain.strip())}" if at else text


def _strip_quotes(local: str) -> str:
    """Return the local part without quotes that it does not need.

    "ada"@example.com is ada@example.com (RFC 5321, 4.1.2).
    """
    found = QUOTED_ATOM.fullmatch(local)
    return found[1] if found else local


def _canonicalise_domain(domain: str) -> str:
    domain = domain.replace("。", ".").removesuffix(".")
    if len(domain) > 255:
        return domain
    return ".".join(map(_canonicalise_label, domain.split(".")))


def _canonicalise_label(label: str) -> str:
    """Return one label of the domain as the name service knows it.

    A label that IDNA 2008 forbids, such as an emoji, is written by IDNA 2003, under which it was registered.
    """
    with suppress(idna.IDNAError, UnicodeError):
        return idna.encode(label, uts46=True).decode()
    with suppress(UnicodeError):
        return label.encode("idna").decode()
    return label  # such as a part of an address in brackets, or of none at all


class AddressFormField(forms.EmailField):
    """A form field that reads an e-mail address in its canonical form."""

    def to_python(self, value: Any) -> str:
        return canonicalise(str(super().to_python(value) or ""))


class AddressField(models.EmailField):  # type: ignore[type-arg]
    """A model field that stores, looks up (by `=` and `in`) and reads an e-mail address in its canonical form."""

    def to_python(self, value: Any) -> Any:
        return canonicalise(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def pre_save(self, instance: models.Model, add: bool) -> Any:
        setattr(instance, self.attname, self.to_python(getattr(instance, self.attname)))
        return super().pre_save(instance, add)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": AddressFormField, **options})
