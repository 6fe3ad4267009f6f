"""The app's own metrics, summed exactly over all its workers, those that have ended too."""

from exporters.app.folder import AppMetrics

__all__ = ["AppMetrics"]
