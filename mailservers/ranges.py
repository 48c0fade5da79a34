"""How far numbers may go, once for each kind of them. Columns stay as they are: bounds need no migration."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

# Larger ones are slips of the finger.
LARGEST_SIZE = 1000**5
MOST = 1_000_000
LONGEST_TEXT = 10_000


def require_ranges(row: models.Model, *names: str) -> None:
    """What a service asks last: each field of the row, or these alone; ValidationError by their names."""
    problems: dict[str, Any] = {}
    for column in row._meta.concrete_fields:
        if column.is_relation or (names and column.name not in names):
            continue
        try:
            column.run_validators(getattr(row, column.attname))
        except ValidationError as problem:
            problems[column.name] = problem
    if problems:
        raise ValidationError(problems)


class PlainColumn:
    """A column like Django's own for migrations."""

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()  # type: ignore[misc]  # of the field beside it
        return name, f"django.db.models.{self.plain}", args, kwargs  # type: ignore[attr-defined]


class SizeColumn(PlainColumn, models.PositiveBigIntegerField):  # type: ignore[type-arg]
    """Bytes."""

    plain = "PositiveBigIntegerField"
    default_validators = (MaxValueValidator(LARGEST_SIZE, _("This is more than any mail server has.")),)


class CountColumn(PlainColumn, models.PositiveIntegerField):  # type: ignore[type-arg]
    """How many of something there may be."""

    plain = "PositiveIntegerField"
    default_validators = (MaxValueValidator(MOST),)


class LongText(PlainColumn, models.TextField):  # type: ignore[type-arg]
    """What somebody writes, as long as a server's script can hold it."""

    plain = "TextField"
    default_validators = (MaxLengthValidator(LONGEST_TEXT),)


class PortColumn(PlainColumn, models.PositiveIntegerField):  # type: ignore[type-arg]
    plain = "PositiveIntegerField"
    default_validators = (MinValueValidator(1), MaxValueValidator(65_535))
