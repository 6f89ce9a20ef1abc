"""WebRTC: peers on the other side of a network, and cameras that connect by themselves."""
