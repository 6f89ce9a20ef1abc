"""A change of the pack as a person reads it."""

from api.command.client.reembedding import _in_words

REFUSED = {"face": "f1", "person": "p1", "name": "Ann", "reason": "no face was found", "lost": True}


def test_who_must_be_enrolled_anew_is_listed_with_the_reason() -> None:
    found = {
        "pack": "opencv-zoo",
        "stage": "embedding",
        "faces": 3,
        "embedded": 1,
        "waits_for": "1 people have no photograph that opencv-zoo can use",
        "refused": [REFUSED, REFUSED | {"face": "f2", "name": "Bob", "lost": False}],
    }
    assert list(_in_words(found)) == [
        "opencv-zoo: embedding, 1 of 3 faces, 2 refused",
        "it waits: 1 people have no photograph that opencv-zoo can use",
        "Ann, to be enrolled anew: no face was found (person p1, face f1)",
        "Bob: no face was found (person p1, face f2)",
    ]
