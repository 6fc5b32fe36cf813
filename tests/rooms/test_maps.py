"""The maps at the top of the folders of rooms: what they name is what is there."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules

import pytest


@pytest.mark.parametrize("folder", ["cli", "job"])
def test_a_folder_s_map_names_its_rooms(folder: str) -> None:
    """Each room of the folder is in the first words of it, and no room that has gone."""
    place = import_module(f"volcv_async.{folder}")
    rooms = {room.name for room in iter_modules(place.__path__)}
    said = place.__doc__ or ""
    assert rooms <= set(re.findall(r"\w+", said))
    assert set(re.findall(r"``(\w+)``", said)) <= {*rooms, "volcv"}
