"""``faceapi evaluate``: how often a pack is wrong, on material of one's own."""
