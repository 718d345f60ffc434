"""What is no speech has no words in speech to speech either."""

from tests.support.realtime.relay_table import RelayTable


def test_relayed_noise_has_no_words() -> None:
    table = RelayTable()
    table.report_utterance("item_said", 0, 1000, None)
    table.report_transcript("item_said", "[BLANK_AUDIO]")
    assert table.get_saved("item_said").text == ""
    assert table.sent[-1]["transcript"] == ""
