"""A store in a bucket, looked at and harmed behind the program's back."""

import seaweed

from lantai.lib.ocfl import check
from lantai.lib.ocfl.bucket import Bucket
from lantai.lib.ocfl.layout import Store

A = "urn:test:a"
PREFIX = "office/store"


def bucket_of(store: Store) -> Bucket:
    assert isinstance(store.backend, Bucket)
    return store.backend


def keys(store: Store) -> dict[str, bytes]:
    """Every key below the root with its bytes."""
    held = bucket_of(store)
    found = seaweed.client(held.credentials.endpoint)
    listed = found.list_objects_v2(Bucket=held.name, Prefix=f"{held.prefix}/").get("Contents", ())
    return {
        one["Key"].removeprefix(f"{held.prefix}/"): found.get_object(
            Bucket=held.name, Key=one["Key"]
        )["Body"].read()
        for one in listed
    }


def put(store: Store, path: str, held: bytes) -> None:
    """Put a key behind the program's back."""
    inside = bucket_of(store)
    found = seaweed.client(inside.credentials.endpoint)
    found.put_object(Bucket=inside.name, Key=f"{inside.prefix}/{path}", Body=held)


def drop(store: Store, path: str) -> None:
    inside = bucket_of(store)
    found = seaweed.client(inside.credentials.endpoint)
    found.delete_object(Bucket=inside.name, Key=f"{inside.prefix}/{path}")


def faults(store: Store) -> list[tuple[str, str]]:
    return [(fault.code, fault.path) for one in check.check_store(store) for fault in one.faults]
