"""HTTP and websockets, one noun a file."""
