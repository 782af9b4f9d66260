"""Outdoor worlds: streets, squares, parks, farms, sites, open country, bridges and waterfronts.

`KINDS` maps a name to its builder; every builder draws everything it varies from the one generator it is given.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.worlds.outdoor import (
    bridges,
    farm,
    leisure,
    open_ground,
    park,
    settlement,
    shore,
    site,
    squares,
    street,
    transport,
    waterfront,
)
from training.worlds.world import World

Builder = Callable[[np.random.Generator], World]

KINDS: dict[str, Builder] = {
    "city_street": street.city_street,
    "crossing": street.crossing,
    "alley": street.alley,
    "suburb": settlement.suburb,
    "village": settlement.village,
    "plaza": squares.plaza,
    "market": squares.market,
    "courtyard": squares.courtyard,
    "campus": squares.campus,
    "park": park.park,
    "woods": park.woods,
    "garden": park.garden,
    "playground": park.playground,
    "orchard": park.orchard,
    "avenue": park.avenue,
    "farm_yard": farm.farm_yard,
    "barn_interior": farm.barn_interior,
    "solar_field": farm.solar_field,
    "crop_field": farm.crop_field,
    "pasture": farm.pasture,
    "parking_lot": transport.parking_lot,
    "construction_site": site.construction_site,
    "industrial_yard": site.industrial_yard,
    "container_yard": site.container_yard,
    "railway": transport.railway,
    "filling_station": transport.filling_station,
    "meadow": open_ground.meadow,
    "hills": open_ground.hills,
    "rocky_ground": open_ground.rocky_ground,
    "beach": shore.beach,
    "desert": open_ground.desert,
    "snow_field": open_ground.snow_field,
    "lake_shore": shore.lake_shore,
    "bridge": bridges.bridge,
    "underpass": bridges.underpass,
    "waterfront": waterfront.waterfront,
    "sports_court": leisure.sports_court,
    "rooftop": waterfront.rooftop,
    "camp": leisure.camp,
}
