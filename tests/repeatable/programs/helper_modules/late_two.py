"""Its top level draws and reads, when a handler imports it."""

import random
import time
import uuid

AT = time.time()
LUCK = random.random()
KEY = uuid.uuid4()
