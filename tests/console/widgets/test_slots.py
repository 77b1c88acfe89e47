from __future__ import annotations

from codextui.console.widgets.placement import Slots


def slots(capacity: int, *threads: str) -> Slots:
    result = Slots()
    result.resize(capacity, threads)
    return result


def never(_: str) -> bool:
    return False


def test_new_threads_take_free_places_in_order() -> None:
    some = slots(2)
    some.offer("a", never)
    some.offer("b", never)
    assert some.shown == ("a", "b")


def test_a_new_thread_takes_no_place_from_one_that_lives() -> None:
    some = slots(2, "a", "b")
    some.offer("c", never)
    assert some.shown == ("a", "b")


def test_a_new_thread_takes_the_place_of_one_that_is_over() -> None:
    some = slots(2, "a", "b")
    some.offer("c", lambda thread_id: thread_id == "a")
    assert some.shown == ("c", "b")


def test_a_thread_that_a_person_wants_takes_the_place_they_are_in() -> None:
    some = slots(2, "a", "b")
    some.show("c", instead_of="a")
    assert some.shown == ("c", "b")


def test_a_thread_that_a_person_wants_takes_a_free_place_first() -> None:
    some = slots(3, "a", "b")
    some.show("c", instead_of="a")
    assert some.shown == ("a", "b", "c")


def test_a_thread_is_never_shown_twice() -> None:
    some = slots(3, "a", "b")
    some.show("a", instead_of="b")
    some.offer("b", never)
    assert some.shown == ("a", "b")


def test_fewer_places_show_the_first_and_more_bring_the_others_back() -> None:
    some = slots(4, "a", "b", "c", "d")
    some.resize(2, ())
    assert some.shown == ("a", "b")
    some.resize(4, ())
    assert some.shown == ("a", "b", "c", "d")


def test_a_hidden_thread_that_is_wanted_moves_into_sight() -> None:
    some = slots(3, "a", "b", "c")
    some.resize(2, ())
    some.show("c", instead_of="b")
    assert some.shown == ("a", "c")


def test_the_thread_that_a_person_is_with_stays_in_sight_where_there_is_less_room() -> None:
    some = slots(4, "a", "b", "c", "d")
    some.resize(2, ())
    some.keep("d")
    assert some.shown == ("a", "d")
    some.keep("a")
    some.keep("e")
    assert some.shown == ("a", "d")
    some.resize(4, ())
    assert some.shown == ("a", "d", "c", "b")


def test_more_places_are_filled_with_those_who_wait() -> None:
    some = slots(1, "a")
    some.resize(3, ("a", "b", "c", "d"))
    assert some.shown == ("a", "b", "c")


def test_of_those_that_give_way_the_readiest_goes() -> None:
    some = slots(3, "a", "b", "c")
    some.offer("d", {"a": 1, "b": 3, "c": 0}.__getitem__)
    assert some.shown == ("a", "d", "c")
