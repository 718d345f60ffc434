"""Static files under hashed names, including the imports between ES modules."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no annotations
    """The storage for static files."""

    support_js_module_import_aggregation = True
