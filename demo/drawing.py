"""Flat, quiet illustrations for the demo site, drawn from nothing but a kind and a seed."""

from collections.abc import Callable, Iterable
from itertools import product
from math import cos, sin, tau
from random import Random

from PIL import Image, ImageColor, ImageDraw, ImageOps

type Point = tuple[float, float]
SUPERSAMPLING = 2
PAPER, INK, EMBER, RIVER, ROOF, TREE = "#f7f1e3", "#4a4038", "#ef8f4a", "#7fb0c4", "#c8553d", "#6c9a70"
SPAN = [n / 120 for n in range(121)]
CROPS = ("#8fb08c", "#d9b36c", "#b7c9a0", "#cfa98a")
# The sky from top to horizon (3 colours), distance, foreground, light, and 3 colours for cloth and paint.
PALETTES = (
    "#26315f #9a6488 #f6b98a #a87893 #20203f #ffe0a3 #c8553d #e09f3e #335c67",
    "#2f6f7e #a9cdbd #fbe6c4 #9dbfb1 #173b45 #fff3d6 #e07a5f #81b29a #3d5a80",
    "#0f1b33 #27406b #5f7fa3 #46658f #0b1324 #ffd27a #d08c60 #e3b23c #3e6a8a",
    "#5b3a5e #c8697a #ffd9a0 #b3687f #33213f #fff0c2 #457b7b #eaac8b #355070",
)


def mix(first: str, second: str, share: float) -> str:
    """Return the colour that lies `share` (0 to 1) of the way from `first` to `second`."""
    pairs = zip(ImageColor.getrgb(first)[:3], ImageColor.getrgb(second)[:3], strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


class Scene:
    """A canvas whose unit is its own height: `y` runs from 0 to 1, `x` from 0 to `width`."""

    def __init__(self, seed: int, size: tuple[int, int]) -> None:
        self.chance = Random(seed)  # noqa: S311  # pictures need no secrecy
        top, self.sky, low, self.far, self.near, self.light, *self.cloth = PALETTES[seed % len(PALETTES)].split()
        self.unit, self.width = size[1] * SUPERSAMPLING, size[0] / size[1]
        gradient = Image.linear_gradient("L").resize((size[0] * SUPERSAMPLING, self.unit), Image.Resampling.BICUBIC)
        self.image = ImageOps.colorize(gradient, top, low, self.sky)
        self.pen = ImageDraw.Draw(self.image)

    def scaled(self, points: Iterable[Point]) -> list[Point]:
        return [(x * self.unit, y * self.unit) for x, y in points]

    def shape(self, points: Iterable[Point], colour: str) -> None:
        self.pen.polygon(self.scaled(points), colour)

    def box(self, x: float, y: float, w: float, h: float, colour: str) -> None:
        self.pen.rectangle(self.scaled([(x, y), (x + w, y + h)]), colour)

    def disc(self, x: float, y: float, radius: float, colour: str, tall: float = 1) -> None:
        self.pen.ellipse(self.scaled([(x - radius, y - radius * tall), (x + radius, y + radius * tall)]), colour)

    def stroke(self, points: list[Point], width: float, colour: str) -> None:
        """Draw a line with round joints and round ends."""
        self.pen.line(self.scaled(points), colour, round(width * self.unit))
        for x, y in points:
            self.disc(x, y, width / 2, colour)

    def glow(self, x: float, y: float, radius: float, strength: float = 0.9) -> None:
        """Draw light around a point that fades to nothing at the radius."""
        fade = [round(255 * strength * max(0, 1 - level / 179) ** 2) for level in range(256)]
        mask = Image.radial_gradient("L").resize((round(2 * radius * self.unit),) * 2).point(fade)
        self.image.paste(self.light, (round((x - radius) * self.unit), round((y - radius) * self.unit)), mask)

    def ridge(self, level: float, colour: str) -> Callable[[float], float]:
        """Draw hills, filled down to the lower edge. Return a function from `x` to the height of the ground."""
        waves = [(k, self.chance.uniform(0, tau)) for k in (1, 2, 4)]

        def ground(x: float) -> float:
            return level + 0.04 * sum(sin(2.6 * k * x + shift) / k for k, shift in waves)

        self.shape([(0, 1), *((self.width * t, ground(self.width * t)) for t in SPAN), (self.width, 1)], colour)
        return ground


def landscape(scene: Scene) -> None:
    """Hills behind hills, a low sun, poplars and one lit window."""
    sun = scene.width * scene.chance.uniform(0.58, 0.72)
    scene.glow(sun, 0.42, 0.5)
    scene.disc(sun, 0.42, 0.075, scene.light)
    for layer in range(5):
        shade = mix(scene.far, scene.near, (layer / 4) ** 1.2)
        ground = scene.ridge(0.53 + 0.09 * layer, shade)
        if layer == 2:
            x, wall = scene.width * scene.chance.uniform(0.2, 0.4), mix(shade, scene.near, 0.75)
            y = ground(x)
            scene.box(x - 0.045, y - 0.055, 0.09, 0.09, wall)
            scene.shape([(x - 0.06, y - 0.05), (x, y - 0.105), (x + 0.06, y - 0.05)], wall)
            scene.glow(x + 0.015, y - 0.015, 0.08)
            scene.box(x + 0.003, y - 0.03, 0.024, 0.03, scene.light)
        for _ in range(4 * layer if layer > 2 else 0):
            x, tall = scene.chance.uniform(0, scene.width), scene.chance.uniform(0.05, 0.1)
            scene.disc(x, ground(x) - tall * 0.8, tall * 0.2, shade, 5)


def lantern(scene: Scene) -> None:
    """A lantern hanging over a valley of smaller lights."""
    for layer in range(3):
        ground = scene.ridge(0.7 + 0.1 * layer, mix(scene.far, scene.near, layer / 2))
        for x in (scene.chance.uniform(0, scene.width) for _ in range(9)):
            y = ground(x) + scene.chance.uniform(0.03, 0.07)
            scene.glow(x, y, 0.035)
            scene.disc(x, y, 0.005, scene.light)
    x, metal = scene.width * scene.chance.uniform(0.38, 0.62), mix(scene.near, "#000000", 0.3)
    scene.glow(x, 0.46, 0.85, 1)
    scene.stroke([(x, 0), (x, 0.16)], 0.008, metal)
    scene.disc(x, 0.16, 0.035, metal)
    scene.shape([(x - 0.13, 0.3), (x - 0.05, 0.19), (x + 0.05, 0.19), (x + 0.13, 0.3)], metal)
    sides = [[(x + s * 0.1, 0.3), (x + s * 0.135, 0.46), (x + s * 0.1, 0.62)] for s in (-1, 1)]
    scene.shape([*sides[0], *reversed(sides[1])], mix(scene.light, EMBER, 0.3))
    scene.glow(x, 0.5, 0.16)
    drop = [(sin(tau * t) * sin(tau * t / 2) ** 2 / 2, cos(tau * t) + 1) for t in SPAN]
    for tall, colour in ((0.11, EMBER), (0.075, scene.light), (0.035, PAPER)):
        scene.shape([(x + a * tall, 0.595 - b * tall) for a, b in drop], colour)
    for side, wide, y in zip(sides, (0.115, 0.145), (0.61, 0.64), strict=True):
        scene.stroke(side, 0.012, metal)
        scene.box(x - wide, y, 2 * wide, 0.035, metal)


def skyline(scene: Scene) -> None:
    """A harbour town at dusk, its lighthouse, and both again in the water."""
    chance, shore, tower = scene.chance, 0.66, scene.width * 0.84
    scene.glow(scene.width * 0.3, shore, 0.7)
    for depth in (0.35, 0.65, 1.0):
        x, shade = -0.02, mix(scene.far, scene.near, depth)
        while x < scene.width * (1.05 if depth < 1 else 0.7):
            w, eaves = chance.uniform(0.06, 0.12), shore - chance.uniform(0.12, 0.38) * (1.3 - depth * 0.7)
            scene.box(x, eaves, w, shore - eaves, shade)
            scene.shape([(x, eaves), (x + w / 2, eaves - chance.choice((0, w / 2))), (x + w, eaves)], shade)
            for row, column in product(range(int((shore - eaves) / 0.04) if depth > 0.5 else 0), (0.14, 0.43, 0.72)):
                if chance.random() < 0.4:
                    scene.box(x + w * column, eaves + 0.015 + row * 0.04, w * 0.14, 0.018, scene.light)
            x += w
    scene.disc(tower, shore, 0.2, scene.near, 0.2)
    for stripe in range(6):
        wide = 0.022 + 0.003 * stripe
        scene.box(tower - wide, 0.29 + 0.057 * stripe, 2 * wide, 0.058, (PAPER, scene.cloth[0])[stripe % 2])
    scene.box(tower - 0.016, 0.24, 0.032, 0.05, scene.light)
    scene.shape([(tower - 0.03, 0.24), (tower, 0.2), (tower + 0.03, 0.24)], scene.near)
    scene.glow(tower, 0.265, 0.22)
    cut = round(shore * scene.unit)
    sea = ImageOps.flip(scene.image.crop((0, 2 * cut - scene.unit, scene.image.width, cut)))
    deep = Image.new("RGB", sea.size, mix(scene.near, scene.sky, 0.35))
    scene.image.paste(Image.blend(sea, deep, 0.55), (0, cut))
    for _ in range(90):
        x, y = chance.uniform(-0.1, scene.width), shore + 0.34 * chance.random() ** 1.4 + 0.004
        scene.box(x, y, (y - shore) * 0.4 + 0.02, 0.0025, mix(scene.sky, scene.light, chance.random() / 2))


def portrait_silhouette(scene: Scene) -> None:
    """Someone in a headscarf, from behind, against the light: no face, so anyone's."""
    middle, scarf = scene.width / 2, mix(scene.cloth[2], scene.near, 0.25)
    scene.glow(middle, 0.45, 0.9)
    scene.disc(middle, 0.42, 0.34, mix(scene.light, scene.sky, 0.2))
    scene.ridge(0.78, mix(scene.far, scene.near, 0.3))
    flare = [(0.118 + 0.13 * t**2.2, 0.42 + 0.42 * t) for t in SPAN]
    for x, body, head in ((middle + 0.01, scene.light, scene.light), (middle, scene.cloth[0], scarf)):
        scene.disc(x, 1.08, 0.43, body, 0.86)
        scene.disc(x, 0.44, 0.135, head, 1.18)
        scene.shape([(x + a, y) for a, y in flare] + [(x - a, y) for a, y in flare[::-1]], head)
        scene.disc(x, 0.84, 0.248, head, 0.32)
    for fold in (-0.62, -0.2, 0.3):
        scene.stroke([(middle + fold * a, y + 0.03) for a, y in flare[54:]], 0.006, mix(scarf, scene.near, 0.5))


def village_map(scene: Scene) -> None:
    """Fields, a river, a road, houses, a wood and one marked place."""
    chance, spread = scene.chance, (-0.25, 0.25)
    corners = {
        (c, r): (scene.width * (c + chance.uniform(*spread)) / 9, (r + chance.uniform(*spread)) / 6)
        for c, r in product(range(-1, 12), range(-1, 8))
    }
    for c, r in product(range(-1, 11), range(-1, 7)):
        field = [corners[c + i, r + j] for i, j in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]
        scene.shape(field, mix(PAPER, chance.choice(CROPS), chance.uniform(0.35, 0.8)))
        scene.stroke(field, 0.006, PAPER)
    river = [(scene.width * t, 0.24 + 0.45 * t + 0.1 * sin(7 * t)) for t in SPAN]
    road = [(scene.width * (0.34 + 0.2 * t + 0.06 * sin(6 * t)), t) for t in SPAN]
    for line, wide, colour in (river, 0.085, PAPER), (river, 0.065, RIVER), (road, 0.022, INK), (road, 0.014, PAPER):
        scene.stroke(line, wide, colour)
    for x, y in (spot for spot in road[8:-12:4] if abs(spot[1] - 0.41) > 0.13):
        house = x - 0.015 + chance.choice((-1, 1)) * chance.uniform(0.05, 0.16)
        scene.box(house, y, 0.03, 0.012, INK)
        scene.box(house, y - 0.012, 0.03, 0.012, ROOF)
    for _ in range(26):
        scene.disc(scene.width * chance.uniform(0.68, 0.97), chance.uniform(0.06, 0.34), 0.02, TREE)
    x = scene.width * 0.2
    scene.shape([(x - 0.04, 0.7), (x, 0.8), (x + 0.04, 0.7)], ROOF)
    scene.disc(x, 0.68, 0.045, ROOF)
    scene.disc(x, 0.68, 0.018, PAPER)


KINDS = {f.__name__.replace("_", "-"): f for f in (landscape, lantern, skyline, portrait_silhouette, village_map)}


def draw(kind: str, seed: int, size: tuple[int, int]) -> Image.Image:
    """Return one picture of `size` pixels. The same arguments always give the same pixels."""
    scene = Scene(seed, size)
    KINDS[kind](scene)
    return scene.image.resize(size, Image.Resampling.LANCZOS)
