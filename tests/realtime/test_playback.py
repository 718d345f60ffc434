"""How much of a reply a client has played, in a session of either kind."""

import pytest

from tests.support.realtime.both_machines import AnyClient, CascadeClient, RelayClient, find_reply


@pytest.fixture(params=[CascadeClient, RelayClient])
def client(request: pytest.FixtureRequest) -> AnyClient:
    """Return a client that plays sound itself, in a session of either kind."""
    made: AnyClient = request.param()
    made.ask("session.update", session={"extensions": ["playback"]})
    return made


def test_who_vanishes_has_heard_what_the_clock_says(client: AnyClient) -> None:
    client.hear_reply()
    client.vanish(1.0)
    assert (find_reply(client).heard_ms, find_reply(client).heard_text) == (1000, "One two three")


def test_who_vanishes_after_the_end_has_heard_it_all(client: AnyClient) -> None:
    client.hear_reply()
    client.vanish(2.5)
    assert find_reply(client).heard_ms is None


def test_a_clients_report_counts_for_more_than_the_clock(client: AnyClient) -> None:
    response_id = client.hear_reply()
    client.wait(1.0)
    client.ask("output_audio_buffer.started", response_id=response_id, played_ms=200)
    assert find_reply(client).waterfall["playback"] == find_reply(client).waterfall["endpoint"] + 800
    client.vanish(0.5)
    assert find_reply(client).heard_ms == 700


def test_a_report_of_a_response_that_is_not_known_changes_nothing(client: AnyClient) -> None:
    client.hear_reply()
    before = len(client.commands)
    assert client.ask("output_audio_buffer.started", response_id="resp_gone", played_ms=200) == []
    assert len(client.commands) == before


def test_a_truncation_is_not_overruled_by_the_clock(client: AnyClient) -> None:
    client.hear_reply()
    item_id = find_reply(client).id
    client.ask("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=300)
    client.vanish(1.0)
    assert find_reply(client).heard_ms == 300


def test_a_deleted_reply_is_not_stored_again(client: AnyClient) -> None:
    client.hear_reply()
    item_id = find_reply(client).id
    client.ask("conversation.item.delete", item_id=item_id)
    saved = find_reply(client)
    client.vanish(1.0)
    assert find_reply(client) is saved


def test_a_pause_of_the_sound_is_not_played(client: AnyClient) -> None:
    client.hear_beginning(1000)
    client.wait(3.0)
    client.hear_more(1000)
    client.vanish(0.5)
    assert find_reply(client).heard_ms == 1500


def test_sound_that_comes_in_time_is_played_without_a_pause(client: AnyClient) -> None:
    client.hear_beginning(1000)
    client.wait(0.7)
    client.hear_more(1000)
    client.vanish(0.5)
    assert find_reply(client).heard_ms == 1200


def test_what_sounds_while_more_comes_is_found_by_the_clients_report(client: AnyClient) -> None:
    client.hear_beginning(1000)
    client.wait(0.5)
    client.ask("output_audio_buffer.started", response_id=find_reply(client).response_id, played_ms=250)
    client.hear_more(1000)
    client.vanish(0.5)
    assert find_reply(client).heard_ms == 750
