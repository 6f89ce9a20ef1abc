"""Live video for viewers by WebRTC: a process of its own, and the program's side of it."""
