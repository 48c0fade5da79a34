"""The page that somebody is led to afterwards, as a form or an address names it."""

from django.utils.http import url_has_allowed_host_and_scheme


def is_ours(wanted: str) -> bool:
    """Whether it is a page of this portal, by its path: nobody is led elsewhere by a link to us."""
    return wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
