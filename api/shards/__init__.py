"""Shards: processes of their own in which cameras are watched, and the program's side of them."""
