"""The HTTP application: routes, sign-in, limits, problems."""
