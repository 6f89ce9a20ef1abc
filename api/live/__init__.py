"""Cameras and their results, live: the seam to the pipeline, and what travels to browsers."""
