"""The turn machine and the relay behind one face, for what both must do alike."""

from typing import Any

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.items import LiveItem
from tests.support.realtime.harness import Table, encode_silence, make_message
from tests.support.realtime.relay_table import RelayTable

WORDS = "One two three four five six."


class CascadeClient:
    """A client of a session of three engines."""

    def __init__(self, items: tuple[LiveItem, ...] = ()) -> None:
        self.table = Table(items=items)

    @property
    def commands(self) -> list[Any]:
        """Return all commands so far."""
        return list(self.table.actions)

    def ask(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Send an event, and return what the client is sent about it."""
        return self.table.send(kind, **fields)

    def hear_beginning(self, ms: int) -> None:
        """Have the assistant begin to speak."""
        self.ask("conversation.item.create", item=make_message("Count."))
        self.ask("response.create")
        self.table.write(WORDS)
        self.table.end_text()
        self.hear_more(ms)

    def hear_more(self, ms: int) -> None:
        """Have the assistant speak on."""
        clause = self.table.find_last(commands.SpeakClause)
        self.table.report(engine_events.SpeechAudio(clause.response_id, clause.index, bytes(ms * BYTES_PER_MS)))

    def hear_reply(self) -> str:
        """Have the assistant speak for two seconds in no time, and return the id of the response."""
        self.ask("conversation.item.create", item=make_message("Count."))
        [created, *_] = self.ask("response.create")
        self.table.write(WORDS)
        self.table.end_text()
        self.table.speak(2000)
        return str(created["response"]["id"])

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.table.pass_time(seconds)

    def vanish(self, after_sec: float) -> None:
        """Disconnect without a goodbye after `after_sec`."""
        self.wait(after_sec)
        self.table.report(engine_events.ClientGone(vanished=True))


class RelayClient:
    """A client of a speech-to-speech session, whose upstream agrees to all that it is asked."""

    def __init__(self, items: tuple[LiveItem, ...] = ()) -> None:
        self.table = RelayTable(items=items)

    @property
    def commands(self) -> list[Any]:
        """Return all commands so far."""
        return list(self.table.actions)

    def ask(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Send an event, let the upstream agree, and return what the client is sent about it."""
        sent, told = len(self.table.sent), len(self.table.told)
        self.table.send(kind, **fields)
        for event in self.table.told[told:]:
            self._agree(event)
        return self.table.sent[sent:]

    def _agree(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                self.table.agree()
            case "conversation.item.create":
                for kind in ("added", "done"):
                    self.table.report(f"conversation.item.{kind}", item=event["item"], previous_item_id=None)
            case "conversation.item.delete":
                self.table.report("conversation.item.deleted", item_id=event["item_id"])
            case "conversation.item.truncate":
                cut = {key: event[key] for key in ("item_id", "content_index", "audio_end_ms")}
                self.table.report("conversation.item.truncated", **cut)

    def hear_beginning(self, ms: int) -> None:
        """Have the assistant begin to speak."""
        self.table.begin_response("one", WORDS, ms)

    def hear_more(self, ms: int) -> None:
        """Have the assistant speak on."""
        self.table.report("response.output_audio.delta", **self.table.get_place("one"), delta=encode_silence(ms))

    def hear_reply(self) -> str:
        """Have the assistant speak for two seconds in no time, and return the id of the response."""
        self.table.begin_response("one", WORDS, 2000)
        self.table.end_response("one", WORDS)
        return "resp_one"

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.table.pass_time(seconds)

    def vanish(self, after_sec: float) -> None:
        """Disconnect without a goodbye after `after_sec`."""
        self.wait(after_sec)
        self.table.leave(vanished=True)


AnyClient = CascadeClient | RelayClient


def get_saved(client: AnyClient, item_id: str) -> LiveItem:
    """Return the item as it was stored last."""
    saves = [one for one in client.commands if isinstance(one, commands.Save) and one.item.id == item_id]
    return saves[-1].item


def find_reply(client: AnyClient) -> LiveItem:
    """Return the assistant's latest message as it was stored last."""
    saves = [one for one in client.commands if isinstance(one, commands.Save) and one.item.role == "assistant"]
    return saves[-1].item
