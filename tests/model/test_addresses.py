"""Where the draws of accounts are: keys that are derived from names, known answers, and those of generated accounts."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.model.kernel import draws
from sim.model.layout import SHARED, Addresses
from sim.model.world.addresses import BLOCK, NOT_NAMED, Role, addresses
from sim.streams import Lane, name_hashes, philox, unit_draws
from sim.types import Key

KEY = Key(7, 3)


def test_a_name_s_hash_begins_its_sha256() -> None:
    assert name_hashes(["ann", "陈静"]).tolist() == [0x49915E0D7D4B402E, 0xF504445081B74187]
    assert hashlib.sha256(b"ann").hexdigest().startswith("49915e0d7d4b402e")


def test_a_name_has_one_hash_in_any_normal_form() -> None:
    assert len(set(name_hashes(["Zo\u00eb", "Zoe\u0308"]).tolist())) == 1
    assert len(set(name_hashes(["a", "A", "a ", ""]).tolist())) == 4


def test_the_derived_keys_of_a_name_are_known() -> None:
    hashes = name_hashes(["ann"])
    assert addresses(hashes, 1, KEY, Role.INFLUENCER).key.tolist() == [[1875057548, 136750182]]
    assert addresses(hashes, 1, KEY, Role.FAN).key.tolist() == [[1319068315, 2900461314]]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=5), st.integers(0, 4), st.sampled_from(Role))
def test_keys_are_words_of_philox_at_the_hash_and_generated_accounts_are_numbered(
    numbers: list[int], n_more: int, role: Role
) -> None:
    found = addresses(np.array(numbers, np.uint64), len(numbers) + n_more, KEY, role)
    derived = [philox((h & 0xFFFFFFFF, h >> 32, int(role), int(Lane.NAME)), KEY)[:2] for h in numbers]
    assert [tuple(words) for words in found.key.tolist()] == [*derived, *[KEY] * n_more]
    assert found.entity.tolist() == [0] * len(numbers) + list(range(n_more))


def test_blocks_of_names_have_the_keys_of_each_alone() -> None:
    hashes = np.arange(BLOCK + 5, dtype=np.uint64) << np.uint64(20)
    whole = addresses(hashes, hashes.size, KEY, Role.FAN).key
    for i in (0, BLOCK - 1, BLOCK, BLOCK + 4):
        assert addresses(hashes[i : i + 1], 1, KEY, Role.FAN).key.tolist() == whole[i : i + 1].tolist()


def test_a_generated_account_draws_at_its_number_under_the_run_s_key() -> None:
    own = addresses(NOT_NAMED, 50, KEY, Role.INFLUENCER)
    plain = draws.unit_draws(Lane.QUALITY, 0, 50, *map(np.uint64, KEY))
    assert np.array_equal(draws.unit_draws_of(Lane.QUALITY, 0, own), plain)
    assert np.array_equal(unit_draws(Lane.QUALITY, *own), plain)


def test_draws_under_derived_keys_are_the_same_compiled_and_not() -> None:
    own = addresses(name_hashes(map(str, range(50))), 60, KEY, Role.INFLUENCER)
    assert np.array_equal(draws.unit_draws_of(Lane.QUALITY, 0, own), unit_draws(Lane.QUALITY, *own))
    assert len(set(draws.unit_draws_of(Lane.LOTTERY, 2, own)) & set(draws.unit_draws_of(Lane.LOTTERY, 1, own))) == 0


def test_parts_of_addresses_are_those_of_the_accounts_and_of_none_are_none() -> None:
    own = addresses(name_hashes(map(str, range(9))), 9, KEY, Role.FAN)
    part = own.part(3, 5)
    assert part.key.tolist() == own.key[3:5].tolist()
    assert all(array.size == 0 for array in SHARED.part(3, 5))
    assert isinstance(part, Addresses)
