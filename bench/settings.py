"""The portal's settings, with the bare view among its addresses; for bench/website.py alone."""

import os
from pathlib import Path

from portal.settings import *  # noqa: F403 - what is not named here stays as it is
from portal.settings import MIDDLEWARE as PORTAL_MIDDLEWARE

ROOT_URLCONF = "bench.bare"
STATIC_ROOT = Path(os.environ["BENCH_STATIC_ROOT"])
MIDDLEWARE = ["bench.bare.count_queries", *PORTAL_MIDDLEWARE]
PASSWORD_HASHERS = ["bench.bare.CheapHasher"]
