"""What stands for a person on the way to the log: never the number by accident, and nothing that the wrong reader takes for one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from verwerkingenlogging import ConfigurationError, InvalidValue
from verwerkingenlogging.ldv.subjects import (
    EncryptedSubjects,
    PseudonymousSubjects,
    SubjectsInClear,
    is_pseudonym,
    subjects_from_env,
    without_key,
)

BSN = "999990019"
SECRET, OTHER = "a" * 32, b"b" * 32


def test_a_pseudonym_fits_where_an_identificator_fits_and_depends_on_key_kind_and_number() -> None:
    subjects = PseudonymousSubjects(SECRET)
    pseudonym = subjects.encode("BSN", BSN)
    assert pseudonym == "p.349c.vhIJ-z8RtSeSlQZNvLXD2C2OgBATlhHs"
    assert len(pseudonym) == 39
    assert subjects.encode("BSN", BSN) == pseudonym
    assert (
        len({pseudonym, subjects.encode("BSN", "999990020"), subjects.encode("A", BSN), PseudonymousSubjects(OTHER).encode("BSN", BSN)})
        == 4
    )
    assert subjects.encode("AB", "C") != subjects.encode("A", "BC")
    assert is_pseudonym(pseudonym)
    assert without_key("BSN", pseudonym) == pseudonym
    assert EncryptedSubjects(SECRET).decode("BSN", pseudonym) == pseudonym


def test_a_ciphertext_is_turned_back_by_who_has_the_key_and_by_nobody_else() -> None:
    subjects = EncryptedSubjects(SECRET)
    ciphertext = subjects.encode("BSN", BSN)
    assert ciphertext == "e.349c.N8Xh3HuB3TFUwgvzItclGYEEbjp4T6A-4g"
    assert subjects.encode("BSN", BSN) == ciphertext
    assert not is_pseudonym(ciphertext)
    assert subjects.decode("BSN", ciphertext) == EncryptedSubjects(OTHER, SECRET).decode("BSN", ciphertext) == BSN
    changed = ciphertext[:-2] + ("AA" if not ciphertext.endswith("AA") else "BB")
    for decode, soort, text in (
        (EncryptedSubjects(OTHER).decode, "BSN", ciphertext),
        (without_key, "BSN", ciphertext),
        (subjects.decode, "personeelsnummer", ciphertext),
        (subjects.decode, "BSN", changed),
        (subjects.decode, "BSN", ciphertext[:7] + "A"),
    ):
        with pytest.raises(InvalidValue) as caught:
            decode(soort, text)
        assert BSN not in str(caught.value)
        assert text not in str(caught.value)


def test_an_old_key_still_reads_and_the_new_one_writes() -> None:
    old, new = EncryptedSubjects(OTHER), EncryptedSubjects(SECRET, OTHER)
    assert new.decode("BSN", old.encode("BSN", BSN)) == BSN
    assert new.encode("BSN", BSN) == EncryptedSubjects(SECRET).encode("BSN", BSN)


@pytest.mark.parametrize("number", [BSN, "p.12ab.abc", "e.12ab.abc", "c.12", "c.", "é 1"])
def test_what_is_written_in_clear_is_read_as_it_was_whatever_it_looks_like(number: str) -> None:
    written = SubjectsInClear().encode("BSN", number)
    assert not is_pseudonym(written)
    assert without_key("BSN", written) == EncryptedSubjects(SECRET).decode("BSN", written) == number


def test_a_number_is_encrypted_whatever_is_in_it() -> None:
    subjects = EncryptedSubjects(SECRET)
    for number in ("c.12", "é 1", "x" * 40):
        assert subjects.decode("Klant", subjects.encode("Klant", number)) == number


def test_bad_keys_are_refused_with_the_remedy() -> None:
    for make in (PseudonymousSubjects, EncryptedSubjects):
        with pytest.raises(ConfigurationError, match="openssl rand"):
            make("short")
    with pytest.raises(ConfigurationError, match="same id"):
        EncryptedSubjects(SECRET, SECRET)


def test_the_environment_says_how(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    prefix = "VERWERKINGENLOGGING_SUBJECT"
    from_text, from_file = {f"{prefix}_SECRET": SECRET}, {f"{prefix}_SECRET_FILE": str(file)}
    for secret in (from_text, from_file):
        assert subjects_from_env(secret).encode("BSN", BSN) == PseudonymousSubjects(SECRET).encode("BSN", BSN)
        assert subjects_from_env({**secret, f"{prefix}S": "encrypted"}).encode("BSN", BSN) == EncryptedSubjects(SECRET).encode("BSN", BSN)
    assert subjects_from_env({f"{prefix}S": "clear"}).encode("BSN", BSN) == BSN
    for environ, remedy in (
        ({}, "SUBJECT_SECRET is missing"),
        ({f"{prefix}S": "encrypted"}, "SUBJECT_SECRET is missing"),
        ({f"{prefix}S": "Clear", **from_text}, "must be pseudonymous, encrypted or clear"),
        ({f"{prefix}_SECRET_FILE": str(tmp_path / "none")}, "cannot be read"),
    ):
        with pytest.raises(ConfigurationError, match=remedy):
            subjects_from_env(environ)


def test_of_the_machine_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERWERKINGENLOGGING_SUBJECT_SECRET", SECRET)
    assert isinstance(subjects_from_env(), PseudonymousSubjects)


def test_without_cryptography_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(ConfigurationError, match=r"verwerkingenlogging\[encryption\]"):
        EncryptedSubjects(SECRET)
