"""What /metrics tells: the numbers of this process, or of all processes that share METRICS_DIR."""

from pathlib import Path

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from voiceproject.metrics import figures
from voiceproject.metrics.shared import SharedCollector


def render() -> bytes:
    """Return all metrics as Prometheus reads them. It reads files, so call it in a thread."""
    figures.record()
    return generate_latest(_get_registry())


def _get_registry() -> CollectorRegistry:
    if not settings.METRICS_DIR:
        return REGISTRY
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SharedCollector(Path(settings.METRICS_DIR)))
    registry.register(figures.MachineCollector())
    return registry


REGISTRY.register(figures.MachineCollector())
