"""Pictures that phones read."""

import re
from urllib.parse import unquote

from accounts.qr import qr_picture


def test_a_picture_becomes_smaller_with_its_place_and_is_never_cut():
    told = re.search(r'viewBox="0 0 (\d+) (\d+)" width="(\d+)" height="(\d+)"', unquote(qr_picture("x" * 90)))
    assert told
    assert told.group(1, 2) == told.group(3, 4)
