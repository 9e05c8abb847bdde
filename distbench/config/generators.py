"""Configs without a file: rings, grids, random graphs and their like, with nodes n1, n2, …"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from distbench.community import PeerId
from distbench.config.model import MAX_LINKS, MAX_NODES, NodeConfig, Place, RunConfig
from distbench.config.plain import shown
from distbench.errors import ConfigError, nearest
from distbench.words import plural

if TYPE_CHECKING:
    import networkx

Neighbours = Sequence[tuple[PeerId, ...]]
"""What each node lists, n1's first."""

START_FIELDS: Final = ("start_node", "initiator", "is_initiator", "is_sender")
"""Names of the field that tells a node to begin; a generated config sets the first that the algorithm has."""

_MAX_DRAWN: Final = 2_000_000  # links of a random graph: networkx needs far more memory for each
_TRIES: Final = 200


class Request:
    """A generator's text taken apart: ``name:word,word,key=value``."""

    def __init__(self, text: str, seed: int) -> None:
        self.text, self.seed = text, seed
        self.name, _, rest = text.partition(":")
        parts = [part.strip() for part in rest.split(",")] if rest.strip() else []
        self.words = [part for part in parts if "=" not in part]
        pairs = [part.partition("=") for part in parts if "=" in part]
        self.values = {key.strip(): value.strip() for key, _, value in pairs}
        if len(self.values) < len(pairs):
            raise self.refuse("a value is given twice")

    def refuse(self, problem: str) -> ConfigError:
        """The error that says what is wrong with the request and how it is written."""
        generator = GENERATORS[self.name]
        stop = "" if problem.endswith("?") else "."
        usage = f"Write {generator.shape}, for instance {generator.example}"
        return ConfigError(f"topology {shown(self.text)}: {problem}{stop} {usage}")

    def size(self, text: str | None) -> int:
        """A number of nodes."""
        if text is None or not text:
            raise self.refuse("it needs a number of nodes")
        size = self.number(text)
        if size < 1:
            raise self.refuse(f"{text} nodes are too few, one is the least")
        return size

    def number(self, text: str) -> int:
        """A whole number that is not negative."""
        if re.fullmatch(r"-[0-9]+", text):
            raise self.refuse(f"{shown(text)} is negative")
        if not re.fullmatch(r"[0-9]+", text):
            raise self.refuse(f"{shown(text)} is not a whole number")
        if len(text.lstrip("0")) > len(str(MAX_NODES)) or int(text) > MAX_NODES:
            raise self.refuse(f"{shown(text)} is too large, {MAX_NODES} is the most")
        return int(text)

    def only(self, *flags: str) -> tuple[int, bool]:
        """The number of nodes, and whether one of ``flags`` stands behind it; nothing else may."""
        for key in self.values:
            raise self.refuse(f"it takes no {shown(key)}")
        for word in self.words[1:]:
            if word not in flags:
                raise self.refuse(f"it takes no {shown(word)}{nearest(word, flags)}")
        return self.size(self.words[0] if self.words else None), len(self.words) > 1

    def named(self, *keys: str) -> list[str]:
        """The values of exactly these keys."""
        for word in self.words:
            raise self.refuse(f"{shown(word)} is no 'key=value'")
        for key in self.values:
            if key not in keys:
                raise self.refuse(f"it takes no {shown(key)}{nearest(key, keys)}")
        for key in keys:
            if not self.values.get(key):
                raise self.refuse(f"{key} is missing")
        return [self.values[key] for key in keys]

    def random(self) -> random.Random:
        """What draws the graph: the same for one seed wherever it runs."""
        return random.Random(f"topology:{self.seed}")


def is_generator(text: str) -> bool:
    """Whether ``text`` starts as a generator's request does, right or wrong in the rest."""
    name, colon, _ = text.partition(":")
    return bool(colon) and name in GENERATORS


def no_such_generator(text: str) -> ConfigError:
    """The error for a request whose name is not known, or has no size behind it."""
    name = text.partition(":")[0]
    if name in GENERATORS:
        return ConfigError(f"topology {shown(text)} needs a size; write {GENERATORS[name].shape}")
    close = nearest(name.lower(), GENERATORS) or f"; there are {', '.join(GENERATORS)}"
    return ConfigError(f"no topology {shown(name)}{close}")


def generate(text: str, seed: int = 0) -> RunConfig:
    """The config that ``text`` asks for; ``seed`` draws the random ones. Raises ConfigError for a wrong request."""
    if not is_generator(text):
        raise no_such_generator(text)
    request = Request(text, seed)
    neighbours = GENERATORS[request.name].build(request)
    place = Place(text)
    nodes = [
        NodeConfig(node, listed, place=place) for node, listed in zip(_names(len(neighbours)), neighbours, strict=True)
    ]
    return RunConfig({node.node_id: node for node in nodes}, text, generated=True)


def with_start_field(config: RunConfig, boolean_fields: Iterable[str]) -> tuple[RunConfig, str | None]:
    """A generated config with the algorithm's start field true on the first node, and that field's name.

    ``boolean_fields`` are the algorithm's. The config comes back as it is, with None, where it is not generated,
    where the algorithm has no such field, or where some node's is set already.
    """
    has = set(boolean_fields)
    name = next((field for field in START_FIELDS if field in has), None)
    if not config.generated or name is None or any(name in node.fields for node in config.nodes.values()):
        return config, None
    first = next(iter(config.nodes.values()))
    started = replace(first, fields={**first.fields, name: True})
    return replace(config, nodes={**config.nodes, first.node_id: started}), name


def _names(size: int) -> list[PeerId]:
    return [PeerId(f"n{number}") for number in range(1, size + 1)]


def _listed(links: Sequence[Iterable[int]]) -> Neighbours:
    """Neighbours from the positions each node lists; a position is listed once, and never one's own."""
    names = _names(len(links))
    return [
        tuple(names[other] for other in dict.fromkeys(others) if other != position)
        for position, others in enumerate(links)
    ]


def _ring(request: Request) -> Neighbours:
    size, both = request.only("both")
    return _listed([((i + 1) % size, (i - 1) % size) if both else ((i + 1) % size,) for i in range(size)])


def _line(request: Request) -> Neighbours:
    size, _ = request.only()
    return _listed([[j for j in (i - 1, i + 1) if 0 <= j < size] for i in range(size)])


def _star(request: Request) -> Neighbours:
    size, _ = request.only()
    return _listed([range(1, size), *[(0,)] * (size - 1)])


def _tree(request: Request) -> Neighbours:
    size, _ = request.only()
    return _listed([[j for j in ((i - 1) // 2, 2 * i + 1, 2 * i + 2) if 0 <= j < size] for i in range(size)])


def _complete(request: Request) -> Neighbours:
    size, _ = request.only()
    if size * (size - 1) > MAX_LINKS:
        raise request.refuse(f"{size} nodes make too many links, {MAX_LINKS} is the most")
    names = tuple(_names(size))
    return [names[:i] + names[i + 1 :] for i in range(size)]


def _grid(request: Request) -> Neighbours:
    if len(request.words) != 1 or request.values or len(sides := request.words[0].lower().split("x")) != 2:
        raise request.refuse("it needs rows and columns")
    rows, columns = (request.size(side) for side in sides)
    request.size(str(rows * columns))
    links = []
    for position in range(rows * columns):
        row, column = divmod(position, columns)
        around = ((row - 1, column), (row, column - 1), (row, column + 1), (row + 1, column))
        links.append([r * columns + c for r, c in around if 0 <= r < rows and 0 <= c < columns])
    return _listed(links)


def _random_regular(request: Request) -> Neighbours:
    """Steger and Wormald's algorithm by networkx; a dense graph is drawn as the complement of a thin one."""
    size_text, degree_text = request.named("n", "d")
    size, degree = request.size(size_text), request.number(degree_text)
    if degree >= size:
        raise request.refuse(f"a node of {size} has at most {plural(size - 1, 'neighbour')}, not {degree}")
    if size * degree % 2:
        raise request.refuse(
            f"{size} nodes with {plural(degree, 'neighbour')} each cannot be: one of the numbers must be even"
        )
    if degree < min(2, size - 1):
        raise request.refuse(
            f"{size} nodes with {plural(degree, 'neighbour')} each are not connected; d=2 is the least"
        )
    _check_drawn(request, size * degree)
    draw = request.random()
    if degree == 2:  # the connected ones are the rings, which chance alone would hardly find among many nodes
        order = list(range(size))
        draw.shuffle(order)
        links: list[list[int]] = [[] for _ in order]
        for one, other in zip(order, order[1:] + order[:1], strict=True):
            links[one].append(other)
            links[other].append(one)
        return _listed([sorted(others) for others in links])
    import networkx

    if degree > (size - 1) / 2:
        thin = networkx.random_regular_graph(size - 1 - degree, size, seed=draw)
        return _of_graph(networkx.complement(thin))
    return _connected(request, lambda: networkx.random_regular_graph(degree, size, seed=draw), "choose a larger d")


def _erdos_renyi(request: Request) -> Neighbours:
    size_text, probability_text = request.named("n", "p")
    size = request.size(size_text)
    try:
        probability = float(probability_text)
    except ValueError:
        probability = math.nan
    if not 0 <= probability <= 1:
        raise request.refuse(f"p={shown(probability_text)} is not a probability from 0 to 1")
    _check_drawn(request, size * (size - 1) * probability)
    hint = f"choose p above {min(1.0, math.log(size) / size):.2g} or so"
    alone = size * (1 - probability) ** (size - 1) if size > 1 else 0.0
    if alone > 6:  # nodes without a neighbour to be expected: no bearable number of tries would do
        raise request.refuse(f"a graph that thin is not connected; {hint}")
    import networkx

    draw = request.random()
    return _connected(request, lambda: networkx.fast_gnp_random_graph(size, probability, seed=draw), hint)


def _connected(request: Request, make: Callable[[], networkx.Graph[int]], hint: str) -> Neighbours:
    import networkx

    for tried in range(_TRIES):
        graph = make()
        if networkx.is_connected(graph):
            return _of_graph(graph)
        if tried * (len(graph) + graph.number_of_edges()) > 10_000_000:  # some ten seconds of work
            break
    raise request.refuse(f"none of {tried + 1} graphs drawn was connected; {hint}")


def _check_drawn(request: Request, links: float) -> None:
    if links > _MAX_DRAWN:
        raise request.refuse(f"that makes too many links, {_MAX_DRAWN} is the most for a random graph")


def _of_graph(graph: networkx.Graph[int]) -> Neighbours:
    return _listed([sorted(graph[node]) for node in range(len(graph))])


@dataclass(frozen=True, slots=True)
class Generator:
    """One kind of topology."""

    shape: str
    example: str
    summary: str
    build: Callable[[Request], Neighbours]


GENERATORS: Final = {
    "ring": Generator("ring:N or ring:N,both", "ring:16", "each node lists its successor; both: both sides", _ring),
    "line": Generator("line:N", "line:5", "each node lists both sides, the two ends one", _line),
    "star": Generator("star:N", "star:8", "n1 lists all others, they list n1", _star),
    "complete": Generator("complete:N", "complete:7", "each node lists all others", _complete),
    "grid": Generator("grid:ROWSxCOLUMNS", "grid:4x4", "each node lists up, left, right, down", _grid),
    "tree": Generator("tree:N", "tree:15", "a binary tree with n1 as its root; parent first, then children", _tree),
    "random-regular": Generator(
        "random-regular:n=N,d=D", "random-regular:n=20,d=4", "connected, each node has D neighbours", _random_regular
    ),
    "erdos-renyi": Generator(
        "erdos-renyi:n=N,p=P", "erdos-renyi:n=50,p=0.1", "connected, each pair is linked with chance P", _erdos_renyi
    ),
}
"""By name, in the order in which help lists them."""
