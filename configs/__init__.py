"""Configuration that ships with the program, read as package resources."""
