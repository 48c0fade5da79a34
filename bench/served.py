"""The portal's settings for the web process of a bench: the bare view beside the portal's own addresses."""

from portal.settings import *  # noqa: F403 - a bench changes one of them

ROOT_URLCONF = "bench.bare"
