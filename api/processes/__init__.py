"""Processes of our own beside the program: how they are begun, spoken with, and begun again."""
