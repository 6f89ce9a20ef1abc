"""Detectors: one decoder a file."""
