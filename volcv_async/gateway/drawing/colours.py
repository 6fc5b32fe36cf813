"""Colour ramps: 256 tones from the darkest foreground over the lightest haze to the light itself.

A picture is drawn in tones, one byte a pixel, and a ramp gives the tones their colours. Edges that
are smoothed between two tones pass through the colours between them, so that they stay clean.
"""

from functools import lru_cache

HAZE = 223
"""The lightest tone of land and sky."""

LIGHT = 255
"""The tone of sun, moon and lit windows."""

RAMPS: tuple[tuple[str, ...], ...] = (
    # dark to light, evenly spaced up to HAZE; the last stands at LIGHT
    ("14213d", "2d3a6b", "7a4b8c", "d96c75", "f7a072", "fde2b3", "fff6dd"),  # dusk
    ("0b2027", "14505c", "2a8c82", "7cc6a4", "cfe8bf", "f6f3d7", "ff7f50"),  # lagoon
    ("1b1b3a", "3b2e6e", "693d93", "b65fae", "f29ebb", "fbd9d3", "fff4c2"),  # lilac
    ("10241b", "1f4733", "3e7450", "86a968", "cfcf8d", "f4ecc6", "f2994a"),  # meadow
    ("1a1423", "3d1f3f", "7a2e4d", "c9474f", "f18a55", "f9d79a", "fff3cf"),  # ember
    ("0d1b2a", "1d3a5f", "33658a", "6fa3c0", "b8d8e3", "eff6f2", "ffd166"),  # clear morning
    ("241a12", "54341f", "97592f", "d08d4c", "ecc489", "f9ead0", "e4572e"),  # sand
    ("061a2b", "0b3c5d", "1d7391", "5fb3bf", "b5ded3", "f3f4e4", "ef476f"),  # cove
    ("1c1a2e", "33415c", "5c677d", "979dac", "cfd2d8", "f3efe6", "d62839"),  # ink and seal
    ("0a1128", "122b5e", "254e9a", "5b7fd0", "a9b8ee", "e9e4fb", "fff1b8"),  # moonlight
    ("2b0f1f", "5c1a3a", "96305a", "cf6284", "efa9ac", "fae3d6", "ffd8a8"),  # rose
    ("0c1f1f", "17443f", "2f6f5e", "5f9c7f", "a8c9a1", "eaf0cf", "ffe66d"),  # jade
    ("151a30", "27426b", "4b6fa5", "9a8fbf", "e3a7b4", "fbdcc4", "ff9f6b"),  # first light
    ("1d1410", "46291f", "7f4335", "b8705a", "dca88a", "f6e0c8", "8fd3c8"),  # terracotta
)


@lru_cache(maxsize=len(RAMPS))
def palette(ramp: int) -> bytes:
    """The colours of all 256 tones, three bytes each, by the ramp's place in `RAMPS`."""
    stops = [bytes.fromhex(colour) for colour in RAMPS[ramp]]
    last = len(stops) - 2
    places = [HAZE * i / last for i in range(last + 1)] + [float(LIGHT)]
    return b"".join(_between(stops, places, tone) for tone in range(256))


def _between(stops: list[bytes], places: list[float], tone: int) -> bytes:
    after = next(i for i in range(1, len(places)) if tone <= places[i])
    share = (tone - places[after - 1]) / (places[after] - places[after - 1])
    pairs = zip(stops[after - 1], stops[after], strict=True)
    return bytes(round(low + share * (high - low)) for low, high in pairs)
