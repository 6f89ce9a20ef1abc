"""A pack as the store keeps it, and the settings that open it."""

import json

from api.store.packs import UsedPack
from pipeline.messages import PackId
from pipeline.settings import ModelSettings

_KEPT = {"pack", "path", "emb_dim", "threshold"}
"""What of the settings says which pack it is; the others say where and how it runs."""


def used_pack(pack: PackId, model: ModelSettings) -> UsedPack:
    """The pack that these settings open, for the store."""
    return UsedPack(pack, model.model_dump_json(include=_KEPT))


def named(pack: str, configured: ModelSettings) -> ModelSettings:
    """The settings that open a shipped pack, otherwise as configured."""
    return _with({"pack": pack, "path": None, "emb_dim": None, "threshold": None}, configured)


def opened_by(used: UsedPack, configured: ModelSettings) -> ModelSettings:
    """The settings that open what the store keeps; one without settings is known by its name."""
    return _with(json.loads(used.model), configured) if used.model else named(used.id, configured)


def _with(kept: dict[str, object], configured: ModelSettings) -> ModelSettings:
    return ModelSettings.model_validate(configured.model_dump() | kept)
