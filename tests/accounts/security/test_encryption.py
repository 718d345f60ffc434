from typing import Any

import pytest
from cryptography.fernet import Fernet

from accounts.security import encryption


def test_it_works() -> None:
    token = encryption.encrypt("a secret")
    assert b"secret" not in token
    assert encryption.decrypt(token) == "a secret"


def test_rotation(settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEY = old
    before = encryption.encrypt("a secret")
    settings.FIELD_ENCRYPTION_KEY = f"{new}, {old}"
    assert encryption.decrypt(before) == "a secret"
    after = encryption.encrypt("a secret")
    settings.FIELD_ENCRYPTION_KEY = new
    assert encryption.decrypt(after) == "a secret"
    with pytest.raises(encryption.DecryptionError):
        encryption.decrypt(before)
