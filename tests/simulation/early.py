"""Ways to take a clock from the standard library early and to keep it: a module's text, and what reads the clock."""

from __future__ import annotations

from typing import Final

CLOCKS: Final[dict[str, tuple[str, str]]] = {
    "a name": ("from time import monotonic", "monotonic()"),
    "a name of its own": ("from time import time as seconds", "seconds()"),
    "an assignment": ("import time\nclock = time.perf_counter", "clock()"),
    "nanoseconds": ("from time import monotonic_ns", "monotonic_ns() / 1e9"),
    "the class datetime": ("from datetime import datetime", "datetime.now()"),
    "the class date": ("from datetime import date", "date.today().toordinal() * 86400.0"),
    "a bound class method": ("from datetime import datetime\nnow = datetime.now", "now()"),
    "a bound class method that is inherited": ("from datetime import datetime\nnow = datetime.today", "now()"),
    "a subclass of datetime": (
        "import datetime\nclass Moment(datetime.datetime):\n    'Its own.'\n    def age(self): return self",
        "Moment.now().age()",
    ),
    "a bound class method of a subclass": (
        "import datetime\nclass Moment(datetime.datetime): pass\nnow = Moment.now",
        "now()",
    ),
    "a subclass that goes on": (
        "import datetime\nclass Moment(datetime.datetime):\n    @classmethod\n    def now(cls, tz=None):\n"
        "        return super().now(tz) + datetime.timedelta(1)\nnow = Moment.now",
        "now()",
    ),
    "a default": ("import time\ndef clock(read=time.monotonic): return read()", "clock()"),
    "a default by name": ("import time\ndef clock(*, read=time.monotonic): return read()", "clock()"),
    "a default of a lambda": ("import time\nclock = lambda read=time.monotonic: read()", "clock()"),
    "a default of an inner function": (
        "import time\ndef make():\n    def clock(read=time.monotonic): return read()\n    return clock\nclock = make()",
        "clock()",
    ),
    "a closure": (
        "import time\ndef make(read):\n    return lambda: read()\nclock = make(time.monotonic)",
        "clock()",
    ),
    "a closure in a closure": (
        "import time\ndef make(read):\n    inner = lambda: read()\n    return lambda: inner()\n"
        "clock = make(time.monotonic)",
        "clock()",
    ),
    "a class attribute": ("import time\nclass Clock:\n    read = time.monotonic", "Clock.read()"),
    "a class attribute at an instance": ("import time\nclass Clock:\n    read = time.monotonic", "Clock().read()"),
    "a static method": ("import time\nclass Clock:\n    read = staticmethod(time.monotonic)", "Clock().read()"),
    "a method's default": (
        "import time\nclass Clock:\n    def read(self, clock=time.monotonic): return clock()",
        "Clock().read()",
    ),
    "a class method's default": (
        "import time\nclass Clock:\n    @classmethod\n    def read(cls, clock=time.monotonic): return clock()",
        "Clock.read()",
    ),
    "a static method's default": (
        "import time\nclass Clock:\n    @staticmethod\n    def read(clock=time.monotonic): return clock()",
        "Clock.read()",
    ),
    "a property": (
        "import time\ndef make(read):\n    return property(lambda self: read())\n"
        "class Clock:\n    now = make(time.monotonic)",
        "Clock().now",
    ),
    "a cached property": (
        "import time, functools\nclass Clock:\n    @functools.cached_property\n"
        "    def now(self, read=time.monotonic): return read()",
        "Clock().now",
    ),
    "a method by halves": (
        "import time, functools\nclass Clock:\n    def _read(self, clock): return clock()\n"
        "    read = functools.partialmethod(_read, time.monotonic)",
        "Clock().read()",
    ),
    "a base class": (
        "import time\nclass Base:\n    read = time.monotonic\nclass Clock(Base): pass",
        "Clock.read()",
    ),
    "a class in a class": (
        "import time\nclass Outer:\n    class Clock:\n        read = time.monotonic",
        "Outer.Clock.read()",
    ),
    "a class in a function": (
        "import time\ndef make():\n    class Clock:\n        read = time.monotonic\n    return Clock\nClock = make()",
        "Clock.read()",
    ),
    "slots": (
        "import time\nclass Clock:\n    __slots__ = ('read',)\n    def __init__(self): self.read = time.monotonic\n"
        "CLOCK = Clock()",
        "CLOCK.read()",
    ),
    "an instance": (
        "import time\nclass Clock:\n    def __init__(self): self.read = time.monotonic\nCLOCK = Clock()",
        "CLOCK.read()",
    ),
    "a bound method": (
        "import time\nclass Clock:\n    def __init__(self): self.clock = time.monotonic\n"
        "    def read(self): return self.clock()\nread = Clock().read",
        "read()",
    ),
    "a simple namespace": ("import time, types\nCLOCK = types.SimpleNamespace(read=time.monotonic)", "CLOCK.read()"),
    "a factory of a dataclass": (
        "import datetime, dataclasses\n@dataclasses.dataclass\nclass Event:\n"
        "    at: object = dataclasses.field(default_factory=datetime.datetime.now)",
        "Event().at",
    ),
    "a factory of a frozen dataclass with slots": (
        "import time, dataclasses\n@dataclasses.dataclass(frozen=True, slots=True)\nclass Event:\n"
        "    at: float = dataclasses.field(default_factory=time.time)",
        "Event().at",
    ),
    "a factory that is inherited": (
        "import time, dataclasses\n@dataclasses.dataclass\nclass Base:\n"
        "    at: float = dataclasses.field(default_factory=time.time)\n"
        "@dataclasses.dataclass\nclass Event(Base):\n    more: int = 0",
        "Event().at",
    ),
    "a factory for a dataclass to come": (
        "import time, dataclasses\n@dataclasses.dataclass\nclass Base:\n"
        "    at: float = dataclasses.field(default_factory=time.time)",
        "dataclasses.dataclass(type('Event', (Base,), {}))().at",
    ),
    "a default of a dataclass": (
        "import time, dataclasses\nfrom typing import Any\n@dataclasses.dataclass\nclass Clock:\n"
        "    read: Any = time.monotonic",
        "Clock().read()",
    ),
    "a factory of a message": (
        "import time, dataclasses\nfrom distbench import message\n@message\nclass Event:\n"
        "    at: float = dataclasses.field(default_factory=time.time)",
        "Event().at",
    ),
    "generated code": (  # as attrs does it
        "import time\nnames = {'_factory': time.monotonic}\nexec('def __init__(self): self.at = _factory()', names)\n"
        "class Event:\n    __init__ = names['__init__']\ndel names",
        "Event().at",
    ),
    "a partial": ("import time, functools\nclock = functools.partial(time.monotonic)", "clock()"),
    "a partial of a function": (
        "import time, functools\ndef call(one, two): return one()\n"
        "clock = functools.partial(call, time.monotonic, two=1)",
        "clock()",
    ),
    "a partial by name": (
        "import time, functools\ndef call(read): return read()\nclock = functools.partial(call, read=time.monotonic)",
        "clock()",
    ),
    "a cached function": (
        "import time, functools\n@functools.lru_cache\ndef clock(key, read=time.monotonic): return read()",
        "clock(object())",
    ),
    "a wrapped function": (
        "import time, functools\ndef loud(function):\n    @functools.wraps(function)\n    def call(*args):\n"
        "        return function(*args)\n    return call\n@loud\ndef clock(read=time.monotonic): return read()",
        "clock()",
    ),
    "a function wrapped by a library": (
        "import time, contextlib\n@contextlib.contextmanager\ndef opened(read=time.monotonic): yield read()\n"
        "def clock():\n    with opened() as now: return now",
        "clock()",
    ),
    "a function that depends on a type": (
        "import time, functools\n@functools.singledispatch\ndef clock(what): ...\n@clock.register\n"
        "def _(what: int, read=time.monotonic): return read()\ndel _",
        "clock(1)",
    ),
    "an attribute of a function": (
        "import time\ndef clock(): return clock.read()\nclock.read = time.monotonic",
        "clock()",
    ),
    "a dictionary": ("import time\nCLOCKS = {'wall': time.time}", "CLOCKS['wall']()"),
    "a dictionary of dictionaries": ("import time\nCLOCKS = {'a': {'wall': [time.time]}}", "CLOCKS['a']['wall'][0]()"),
    "a list": ("import time\nCLOCKS = [time.time]", "CLOCKS[0]()"),
    "a tuple": ("import time\nCLOCKS = (1, (time.time, 2))", "CLOCKS[1][0]()"),
    "a tuple in a dictionary": ("import time\nCLOCKS = {'a': (time.time, 2)}", "CLOCKS['a'][0]()"),
    "a named tuple": (
        "import time\nfrom typing import Any, NamedTuple\nclass Clocks(NamedTuple):\n    wall: Any\n"
        "CLOCKS = Clocks(time.time)",
        "CLOCKS.wall()",
    ),
    "a default of a named tuple": (
        "import time\nfrom typing import Any, NamedTuple\nclass Clocks(NamedTuple):\n    wall: Any = time.time",
        "Clocks().wall()",
    ),
    "a set": ("import time\nCLOCKS = {time.time}", "next(iter(CLOCKS))()"),
    "a deque": ("import time, collections\nCLOCKS = collections.deque([time.time])", "CLOCKS[0]()"),
    "a default dictionary": (
        "import time, collections\nSEEN = collections.defaultdict(time.monotonic)",
        "SEEN.default_factory()",
    ),
    "a chain of maps": ("import time, collections\nCLOCKS = collections.ChainMap({'a': time.time})", "CLOCKS['a']()"),
    "an enumeration": ("import time, enum\nclass Clock(enum.Enum):\n    WALL = time.time", "Clock.WALL.value()"),
    "a metaclass": (
        "import time\nclass Meta(type):\n    read = time.monotonic\nclass Clock(metaclass=Meta): pass",
        "Clock.read()",
    ),
    "an abstract class": (
        "import time, abc\nclass Clock(abc.ABC):\n    read = staticmethod(time.monotonic)",
        "Clock.read()",
    ),
    "a module of no import": (
        "import types\nmodule = types.ModuleType('a_helper_of_no_import')\n"
        "exec('from time import monotonic', vars(module))",
        "module.monotonic()",
    ),
    "a method of datetime": (
        "import datetime\nstamp = datetime.datetime.timestamp\nnow = datetime.datetime.now",
        "stamp(now())",
    ),
}
"""The clock must advance as the node sleeps."""

ENTROPY: Final[dict[str, tuple[str, str]]] = {
    "bytes": ("from os import urandom", "urandom(8).hex()"),
    "a number": ("from random import random", "random()"),
    "a whole number": ("from random import randint", "randint(1, 10**12)"),
    "a default": ("import random\ndef draw(among=random.randrange): return among(10**12)", "draw()"),
    "a shuffle": ("from random import shuffle", "(shuffle(them := list(range(50))), them)[1]"),
    "a bound method": ("import random\ndraw = random._inst.getrandbits", "draw(64)"),
    "an identifier": ("from uuid import uuid4", "uuid4().hex"),
    "an identifier by time": ("from uuid import uuid1", "uuid1().hex"),
    "a factory": (
        "import uuid, dataclasses\n@dataclasses.dataclass\nclass Item:\n"
        "    key: object = dataclasses.field(default_factory=uuid.uuid4)",
        "Item().key.hex",
    ),
    "a secret": ("from secrets import token_hex", "token_hex(8)"),
    "the system's generator": ("import random\nRNG = random.SystemRandom()", "RNG.random()"),
    "a generator to come": ("from random import Random", "Random().random()"),
    "a seed": ("import random\ndef fresh(seed=random.Random.seed):\n    rng = random.Random(3); seed(rng); return rng",
               "fresh().random()"),
}  # fmt: skip
"""What is drawn must repeat, and differ between nodes."""

STREAMS: Final[dict[str, tuple[str, str]]] = {
    "a generator": ("import random\nRNG = random.Random()", "RNG.random()"),
    "its method": ("import random\nRNG = random.Random()\ndraw = RNG.random", "draw()"),
    "its Python method": ("import random\ndraw = random.Random().randint", "draw(1, 10**9)"),
    "a generator of a class": ("import random\nclass Dice:\n    rng = random.Random(5)", "Dice.rng.random()"),
    "a default": ("import random\ndef draw(rng=random.Random(5)): return rng.random()", "draw()"),
    "a closure": (
        "import random\ndef make(rng):\n    return lambda: rng.random()\ndraw = make(random.Random())",
        "draw()",
    ),
    "a dictionary": ("import random\nRNGS = {'a': [random.Random(1)]}", "RNGS['a'][0].random()"),
    "a subclass": ("import random\nclass Dice(random.Random): pass\nRNG = Dice()", "RNG.random()"),
    "an instance": (
        "import random\nclass Dice:\n    def __init__(self): self.rng = random.Random()\nDICE = Dice()",
        "DICE.rng.random()",
    ),
}
"""Each run of a process must draw the same."""
