"""Passwords that are strong and can be read out."""

import secrets

CONSONANTS, VOWELS = "bdfghjklmnprstvwz", "aeiou"


def readable_password() -> str:
    """Four words nobody knows, such as ``tiva-ruko-mebo-hasu``: 51 bits, and easy to type."""
    word = (CONSONANTS, VOWELS, CONSONANTS, VOWELS)
    return "-".join("".join(secrets.choice(letters) for letters in word) for _ in range(4))
