"""In a shard, a camera whose path ends in /crash brings down the process: its decoder aborts."""

import os
import sys

if "api.shards" in sys.orig_argv:
    from ingest.rtsp import RtspCamera

    _decode = RtspCamera._decode

    def _abort(self, handover):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        self._on_thread()
        if self._url.path.endswith("/crash"):
            os.abort()
        _decode(self, handover)

    RtspCamera._decode = _abort  # type: ignore[method-assign]
