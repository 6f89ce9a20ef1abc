"""Pictures and networks on a GPU: what is uploaded once, and everything that is asked of it."""
