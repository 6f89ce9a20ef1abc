"""Whom does a face resemble? One collection for each gallery and model pack."""
