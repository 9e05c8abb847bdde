"""When the module was imported."""

import datetime
import time

START = time.time()
BEGAN = datetime.datetime.now()
MONO = time.monotonic()
