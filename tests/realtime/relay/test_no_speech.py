"""What is no speech has no words in speech to speech either."""

from tests.support.realtime.relay_table import RelayTable


def test_relayed_noise_has_no_words() -> None:
    table = RelayTable()
    table.utterance("item_said", 0, 1000, None)
    table.words("item_said", "[BLANK_AUDIO]")
    assert table.stored("item_said").text == ""
    assert table.sent[-1]["transcript"] == ""
