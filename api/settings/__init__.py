"""Settings: YAML under the environment under the command line; what is refused, and why."""
