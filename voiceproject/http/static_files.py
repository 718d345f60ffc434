"""Static files under hashed names, the imports between ES modules included."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no annotations
    support_js_module_import_aggregation = True
