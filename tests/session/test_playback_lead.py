"""How far ahead of playback speech has been sent."""

from conversations.session.engine_calls.generation import PlaybackLead


def test_it_works() -> None:
    lead = PlaybackLead()
    assert lead.measure_sec(10.0) == 0.0
    lead.add(2.0, 10.0)
    lead.add(1.0, 10.5)
    assert lead.measure_sec(11.0) == 2.0


def test_a_client_that_ran_dry_has_no_debt() -> None:
    lead = PlaybackLead()
    lead.add(1.0, 10.0)
    assert lead.measure_sec(15.0) == 0.0
    lead.add(1.0, 15.0)
    assert lead.measure_sec(15.5) == 0.5


def test_nothing_is_played_while_it_is_held() -> None:
    lead = PlaybackLead()
    lead.add(3.0, 10.0)
    lead.hold(11.0)
    lead.hold(12.0)
    lead.add(1.0, 15.0)
    assert (lead.measure_sec(20.0), lead.is_held) == (3.0, True)
    lead.release(30.0)
    assert (lead.measure_sec(31.0), lead.is_held) == (2.0, False)


def test_a_release_of_what_was_not_held_changes_nothing() -> None:
    lead = PlaybackLead()
    lead.add(3.0, 10.0)
    lead.release(11.0)
    assert lead.measure_sec(11.0) == 2.0


def test_what_began_held_plays_from_its_release() -> None:
    lead = PlaybackLead(is_held=True)
    lead.add(3.0, 10.0)
    lead.release(15.0)
    assert lead.measure_sec(16.0) == 2.0


def test_who_keeps_it_as_a_file_is_never_ahead() -> None:
    lead = PlaybackLead(plays_live=False)
    lead.add(60.0, 10.0)
    assert lead.measure_sec(10.0) == 0.0
