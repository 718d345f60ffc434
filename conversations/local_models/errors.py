"""What goes wrong with local models. Each message is one line that says what to do."""


class ModelError(Exception):
    """A model cannot be had or used."""


class WrongHashError(ModelError):
    """Bytes came whole and are not those that the manifest names."""


class IncompleteDownloadError(ModelError):
    """A download stopped on the way. What came is kept, and the next attempt goes on from there."""


class DiskFullError(ModelError):
    """There is no room for a file."""


class PackageGoneError(ModelError):
    """A source no longer has what the manifest names."""


class NoNetworkError(ModelError):
    """A source cannot be reached."""


class BusyError(ModelError):
    """Another process is changing the same models."""
