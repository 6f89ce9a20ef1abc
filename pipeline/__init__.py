"""The line of rooms: pictures come in, names go out. Knows no camera, no browser, no SQL."""
