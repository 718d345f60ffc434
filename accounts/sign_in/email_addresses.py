"""One way to write an e-mail address, so that one mailbox is one account however it was typed.

Width and composition of letters are normalised (NFKC) and capitals made small. The domain is written as the name
service knows it (IDNA 2008): bücher.example is xn--bcher-kva.example. Spaces around it and a dot at its end go.
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


def canonical(text: str) -> str:
    """Return an address as it is kept. What is no address comes back in lower case, to be refused by validation."""
    if len(text) > LONGEST:
        return text
    text = unicodedata.normalize("NFKC", text).strip().lower()
    local, at, domain = text.rpartition("@")
    return f"{_without_quotes(local.strip())}{at}{_canonical_domain(domain.strip())}" if at else text


def _without_quotes(local: str) -> str:
    """Quotes around what needs none do not count (RFC 5321, 4.1.2): "ada"@example.com is ada@example.com."""
    found = QUOTED_ATOM.fullmatch(local)
    return found[1] if found else local


def _canonical_domain(domain: str) -> str:
    domain = domain.replace("。", ".").removesuffix(".")
    if len(domain) > 255:
        return domain
    return ".".join(map(_canonical_label, domain.split(".")))


def _canonical_label(label: str) -> str:
    """A label that IDNA 2008 forbids, an emoji say, is written as IDNA 2003 did, under which it was registered."""
    with suppress(idna.IDNAError, UnicodeError):
        return idna.encode(label, uts46=True).decode()
    with suppress(UnicodeError):
        return label.encode("idna").decode()
    return label  # such as a part of an address in brackets, or of none at all


class AddressFormField(forms.EmailField):
    def to_python(self, value: Any) -> str:
        return canonical(str(super().to_python(value) or ""))


class AddressField(models.EmailField):  # type: ignore[type-arg]
    """An e-mail address that is stored, looked up (by `=` and `in`) and read from forms in its one way of writing."""

    def to_python(self, value: Any) -> Any:
        return canonical(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def pre_save(self, instance: models.Model, add: bool) -> Any:
        setattr(instance, self.attname, self.to_python(getattr(instance, self.attname)))
        return super().pre_save(instance, add)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": AddressFormField, **options})
