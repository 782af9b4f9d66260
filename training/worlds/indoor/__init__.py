"""Interiors: a registry of kinds, each a function of a random generator that builds one world."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.worlds.indoor.apartment import apartment
from training.worlds.indoor.garages import garage, parking
from training.worlds.indoor.hall import barn, factory, hangar, warehouse
from training.worlds.indoor.home import attic, bathroom, bedroom, kitchen, living_room, loft
from training.worlds.indoor.odd import bodies, odd_room, storeroom
from training.worlds.indoor.office import (
    classroom,
    laboratory,
    meeting_room,
    office,
    office_suite,
    open_office,
    reception,
)
from training.worlds.indoor.passage import cellar, closet, corridor, tunnel
from training.worlds.indoor.public import auditorium, church, gym, library, lobby, museum, station
from training.worlds.indoor.shop import bookshop, boutique, cafe, shop, showroom, supermarket
from training.worlds.indoor.stairwell import stairwell
from training.worlds.world import World

Builder = Callable[[np.random.Generator], World]


KINDS: dict[str, Builder] = {
    builder.__name__: builder
    for builder in (
        living_room,
        bedroom,
        kitchen,
        bathroom,
        attic,
        loft,
        apartment,
        office,
        open_office,
        office_suite,
        meeting_room,
        classroom,
        laboratory,
        reception,
        shop,
        bookshop,
        boutique,
        supermarket,
        cafe,
        showroom,
        library,
        museum,
        lobby,
        church,
        gym,
        auditorium,
        station,
        warehouse,
        factory,
        garage,
        parking,
        barn,
        hangar,
        corridor,
        tunnel,
        cellar,
        stairwell,
        closet,
        odd_room,
        storeroom,
        bodies,
    )
}
