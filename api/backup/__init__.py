"""Backups: the truth, encrypted in one folder; what opens it, locked in another."""
