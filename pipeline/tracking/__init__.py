"""Which face is which, from frame to frame: by where it is, then by what it looks like."""
