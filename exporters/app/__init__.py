"""The app's own metrics, summed exactly over all its workers, dead ones included."""

from exporters.app.folder import AppMetrics

__all__ = ["AppMetrics"]
