"""The collections: one of templates for each gallery and pack, one of positions for all of them."""

from typing import Any

from pymilvus import DataType, MilvusClient

from pipeline.gallery.client import CHANGE

LONGEST = 512
"""Bytes of an id in UTF-8."""
POSITIONS = "faceapi_positions"
"""The collection that says how far every other one has followed its log."""


def prepare(client: MilvusClient, name: str, dimension: int) -> int:
    """Make what is not there, and load it; says of which dimension the templates are.

    Raises:
        MilvusException: as the client says it.
    """
    if not client.has_collection(name, timeout=CHANGE):
        _create_templates(client, name, dimension)
    client.load_collection(name, timeout=CHANGE)
    if not client.has_collection(POSITIONS, timeout=CHANGE):
        _create_positions(client)
    client.load_collection(POSITIONS, timeout=CHANGE)
    described = client.describe_collection(name, timeout=CHANGE)["fields"]
    (there,) = (one["params"]["dim"] for one in described if one["name"] == "vector")
    return int(there)


def _create_templates(client: MilvusClient, name: str, dimension: int) -> None:
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("face", DataType.VARCHAR, is_primary=True, max_length=LONGEST)
    schema.add_field("person", DataType.VARCHAR, max_length=LONGEST)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    _create(client, name, schema, "COSINE")


def _create_positions(client: MilvusClient) -> None:
    """Milvus wants a vector in every collection, so there is one of two numbers."""
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("collection", DataType.VARCHAR, is_primary=True, max_length=LONGEST)
    schema.add_field("log", DataType.VARCHAR, max_length=LONGEST)
    schema.add_field("number", DataType.INT64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    _create(client, POSITIONS, schema, "L2")


def _create(client: MilvusClient, name: str, schema: Any, metric: str) -> None:  # noqa: ANN401 - pymilvus has no types
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type=metric)
    client.create_collection(
        name, schema=schema, index_params=index, consistency_level="Strong", timeout=CHANGE
    )
