"""What reports of errors leave out, whichever view they come from."""

import re

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

SECRET = re.compile(r"pass|proof|code|secret|token", re.IGNORECASE)


class NoSecretFields(SafeExceptionReporterFilter):
    """Hides what was typed into fields for passwords, codes and keys, besides what a view marked itself."""

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, object]:
        told: dict[str, object] = super().get_post_parameters(request)
        if request is None or not self.is_active(request):
            return told
        return {name: self.cleansed_substitute if SECRET.search(name) else told[name] for name in told}
