"""Sizes as people in each language say and type them."""

import pytest
from django.utils import translation

from accounts import sizes

KB, MB, GB, TB = (1024**power for power in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 kB"),
        (GB, "1 GB"),
        (GB + GB // 2, "1.5 GB"),
        (GB - 1, "1 GB"),
        (1_000_000_000, "953.7 MB"),
        (2**63 - 1, "8192 PB"),
    ],
)
def test_sizes_in_words(count, words):
    assert sizes.in_words(count) == words.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
def test_the_reader_sees_a_comma(language):
    with translation.override(language):
        assert sizes.in_words(GB + GB // 2).startswith("1,5")


def test_decimal_units_are_one_setting(settings):
    settings.SIZE_STEP = 1000
    assert sizes.in_words(1_500_000_000) == "1.5\N{NO-BREAK SPACE}GB"
    assert sizes.parse("1.5 GB") == 1_500_000_000
    assert sizes.parse("1 GiB") == GB


@pytest.mark.parametrize(
    ("language", "typed", "size"),
    [
        ("en", "1.5 GB", GB * 3 // 2),
        ("en", "1,5 GB", GB * 3 // 2),
        ("nl", "1,5 GB", GB * 3 // 2),
        ("nl", "1.5 GB", GB * 3 // 2),
        ("de", "1.234,5 MB", 1234 * MB + MB // 2),
        ("en", "1.234,5 MB", 1234 * MB + MB // 2),
        ("nl", "1,234.5 MB", 1234 * MB + MB // 2),
        ("en", "1.000.000 kB", 1_000_000 * KB),
        ("nl", "1,000,000 kB", 1_000_000 * KB),
        ("en", "1'500 MB", 1500 * MB),
        ("nl", "0,500 GB", GB // 2),
        ("en", "1.5000 GB", GB * 3 // 2),
        ("en", "2000 MB", 2000 * MB),
        ("fr", "1,5 Go", GB * 3 // 2),
        ("fr", "1 500 Mo", 1500 * MB),
        ("fr", "1\N{NARROW NO-BREAK SPACE}500 Mo", 1500 * MB),
        ("en", "500mb", 500 * MB),
        ("en", " 2 g ", 2 * GB),
        ("en", "1 TB", TB),
        ("en", "512 KiB", 512 * KB),
        ("en", "100 bytes", 100),
        ("en", "٣ GB", 3 * GB),
    ],
)
def test_sizes_as_typed(language, typed, size):
    with translation.override(language):
        assert sizes.parse(typed) == size


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "GB",
        "0 GB",
        "0",
        "-1 GB",
        "−1 GB",
        "1e3 GB",
        "1.2.3 GB",
        "1,2,3 GB",
        "1 XB",
        "1 GBB",
        "1 kg",
        "5000 PB",
        "9" * 39 + "G",
        "0.0000001 kB",
        "1 GB; DROP TABLE",
        "½ GB",
        "inf GB",
    ],
)
def test_what_is_no_size_is_refused_with_a_sentence(typed):
    with pytest.raises(ValueError, match=r"[a-z].*\."):
        sizes.parse(typed)


def test_a_number_alone_is_asked_for_its_unit():
    with pytest.raises(ValueError, match=r"unit .*1\.5 GB"):
        sizes.parse("500")
    with pytest.raises(ValueError, match="no room at all"):
        sizes.parse("0")


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
def test_what_is_shown_can_be_typed(language):
    with translation.override(language):
        for size in (1, KB, 3 * MB, GB * 3 // 2, 7 * TB):
            assert sizes.parse(sizes.in_words(size)) == size


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
@pytest.mark.parametrize(
    ("typed", "large", "small"),
    [
        ("1.024 MB", "1024 MB", ("1.024 MB", "1,024 MB")),
        ("1,024 MB", "1024 MB", ("1.024 MB", "1,024 MB")),
        ("1.500 GB", "1500 GB", ("1.5 GB", "1,5 GB")),
        ("10,000Mo", "10000 Mo", ("10 Mo", "10 Mo")),
        ("999.999 kB", "999999 kB", ("999.999 kB", "999,999 kB")),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked_about(language, typed, large, small):
    with translation.override(language), pytest.raises(ValueError, match=large) as asked:
        sizes.parse(typed)
    assert small[language != "en"] in str(asked.value)


@pytest.mark.parametrize("typed", ["1 5 GB", "1.0.0 GB", "1,5.0.2 GB", "12 34 MB", "1.000.00 MB", "1'5 GB"])
def test_digits_that_are_no_groups_are_no_size(typed):
    with pytest.raises(ValueError, match="Write a number and a unit"):
        sizes.parse(typed)


@pytest.mark.parametrize(
    "typed", ["1E+09", "1,5E+9", "1e9", "1.00E+06 MB", "1/5", "1-5-2026", "2026-05-01 00:00", "01/05/2026"]
)
def test_what_a_spreadsheet_made_of_it_is_named(typed):
    with pytest.raises(ValueError, match="A spreadsheet seems to have changed this"):
        sizes.parse(typed)


@pytest.mark.parametrize("typed", ["1.000.000", "1500", "1,5"])
def test_a_number_alone_says_nothing(typed):
    with pytest.raises(ValueError, match="Say which unit is meant"):
        sizes.parse(typed)
