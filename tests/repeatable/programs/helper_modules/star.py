"""Everything of three modules."""

from datetime import *  # noqa: F403
from random import *  # noqa: F403
from time import *  # noqa: F403
