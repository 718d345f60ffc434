"""Translate the beta dialect of the protocol at the edge of a session.

Client events are turned into those of the GA dialect before they are validated, and server events into those of beta
on their way out. Nothing deeper in knows of it. A client asks for the dialect when it connects; see
`transport.websocket`. Beta has neither `conversation.item.done` nor anything of MCP, so those events and items are left
out.
"""

from typing import Any

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_checks import get_at
from conversations.realtime.protocol.tools import TOOL_CHOICES

Event = dict[str, Any]

# GA's name -> beta's. Of `conversation.item.added` and `.done` only the first is translated.
EVENT_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
# Keys of beta's flat session and of `response.create` -> their place in GA's. All others are the same in both.
PATHS = {
    "modalities": "output_modalities",
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "input_audio_transcription": "audio.input.transcription",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "turn_detection": "audio.input.turn_detection",
    "max_response_output_tokens": "max_output_tokens",
}
FORMATS = {"audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw", "audio/pcm": "pcm16"}
GA_FORMATS = {name: kind for kind, name in FORMATS.items()}
PART_TYPES = {"output_text": "text", "output_audio": "audio"}
ITEM_TYPES = ("message", "function_call", "function_call_output")
HIDDEN_EVENTS = ("conversation.item.done", "mcp_list_tools.", "response.mcp_call")  # beginnings of names
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.6, 1.2


class HiddenItems:
    """Remember the items that the beta dialect does not know, so that places and predecessors skip them."""

    def __init__(self) -> None:
        self._before: dict[str | None, str | None] = {}  # the item before, by id
        self._outputs: dict[str, list[int]] = {}  # their places, by response

    def hide(self, event: Event) -> None:
        """Remember the item of an event that is not sent."""
        if "previous_item_id" in event:
            self._before[event["item"]["id"]] = event["previous_item_id"]
        if event["type"] == "response.output_item.added":
            self._outputs.setdefault(event["response_id"], []).append(event["output_index"])

    def close_gaps(self, translated: Event) -> None:
        """Correct an event that is sent: its item's predecessor and its place in the response, without hidden items."""
        while translated.get("previous_item_id") in self._before:
            translated["previous_item_id"] = self._before[translated["previous_item_id"]]
        if "output_index" in translated:
            places = self._outputs.get(translated["response_id"], ())
            translated["output_index"] -= sum(place < translated["output_index"] for place in places)
        if translated["type"] == "response.done" and "response" in translated:
            self._outputs.pop(translated["response"]["id"], None)


class BetaDialect:
    """Translate the events of one session.

    `temperature` has no place in GA and no effect here, so its value is kept at the edge. What a client asks for holds
    once `session.updated` says so.
    """

    def __init__(self) -> None:
        self._temperature: float = 0.8
        self._asked_temperature: float | None = None
        self._hidden = HiddenItems()

    def translate_client_event(self, event: Event) -> Event:
        """Return a decoded client event in the GA dialect, not yet validated. Raise ProtocolError if it cannot be."""
        kind = event.get("type")
        if kind in ("session.update", "transcription_session.update") and isinstance(event.get("session"), dict):
            session = convert_to_ga(event["session"])
            if kind == "session.update":
                self._asked_temperature = _parse_temperature(session.pop("temperature", None), "session.temperature")
            else:
                session["type"] = "transcription"
            return {**event, "type": "session.update", "session": session}
        if kind == "response.create" and isinstance(event.get("response"), dict):
            response = convert_to_ga(event["response"])
            _parse_temperature(response.pop("temperature", None), "response.temperature")
            return {**event, "response": response}
        return event

    def translate_server_event(self, event: Event) -> Event | None:
        """Return a server event in the beta dialect, or None if that has no such event."""
        kind: str = event["type"]
        if kind.startswith(HIDDEN_EVENTS):
            return None
        if "item" in event and event["item"]["type"] not in ITEM_TYPES:
            self._hidden.hide(event)
            return None
        translated = {**event, "type": EVENT_NAMES.get(kind, kind)}
        self._hidden.close_gaps(translated)
        if "item" in event:
            translated["item"] = _convert_item(event["item"])
            return translated
        if "response" in event:
            translated["response"] = self._convert_response(event["response"])
        elif "session" in event:
            self._convert_session(translated, event["session"])
        elif kind == "error":
            translated["error"] = _convert_error(event["error"])
        return translated

    def _convert_session(self, translated: Event, session: Event) -> None:
        translated["session"] = shown = flatten_session(session)
        if session["type"] == "transcription":
            translated["type"] = f"transcription_{translated['type']}"
            return
        if translated["type"] == "session.updated" and self._asked_temperature is not None:
            self._temperature = self._asked_temperature
        shown["temperature"] = self._temperature

    def _convert_response(self, response: Event) -> Event:
        shown = {key: value for key, value in response.items() if key not in ("audio", "output_modalities")}
        for key in ("modalities", "voice", "output_audio_format"):
            if (value := get_at(response, PATHS[key])) is not None:
                shown[key] = _convert_value_to_beta(key, value)
        shown["temperature"] = self._temperature
        shown["output"] = [_convert_item(item) for item in response["output"] if item["type"] in ITEM_TYPES]
        return shown


def convert_to_ga(given: Event) -> Event:
    """Return a session or response with beta's flat keys at their places in GA.

    What is wrong stays wrong, and is refused where GA's would be.
    """
    placed = {key: value for key, value in given.items() if key not in PATHS and key != "client_secret"}
    for key in PATHS.keys() & given.keys():
        *path, last = PATHS[key].split(".")
        target = placed
        for name in path:
            # A copy: what the client sent may hold the same object elsewhere.
            target[name] = dict(target[name]) if isinstance(target.get(name), dict) else {}
            target = target[name]
        target[last] = _convert_value_to_ga(key, given[key])
    choice = placed.get("tool_choice")
    if isinstance(choice, str) and choice not in TOOL_CHOICES:
        placed["tool_choice"] = {"type": "function", "name": choice}
    return placed


def flatten_session(session: Event) -> Event:
    """Return a GA session in the flat shape of beta, without `temperature`."""
    shown = {key: value for key, value in session.items() if key not in ("type", "audio", *PATHS.values())}
    for key, path in PATHS.items():
        above, _, last = path.rpartition(".")
        holder = get_at(session, above) if above else session
        if isinstance(holder, dict) and last in holder:
            shown[key] = _convert_value_to_beta(key, holder[last])
    if "tools" in shown:
        shown["tools"] = [tool for tool in shown["tools"] if tool["type"] == "function"]
    if isinstance(choice := shown.get("tool_choice"), dict):
        shown["tool_choice"] = choice.get("name", "auto")
    return shown


def _convert_value_to_ga(key: str, value: Any) -> Any:
    if key.endswith("_format") and value is not None:
        return {"type": GA_FORMATS.get(value, value) if isinstance(value, str) else value}
    if key == "turn_detection" and isinstance(value, dict) and "type" not in value:
        return {"type": "semantic_vad" if "eagerness" in value else "server_vad", **value}
    return value


def _convert_value_to_beta(key: str, value: Any) -> Any:
    if key.endswith("_format"):
        return FORMATS[value["type"]]
    if key == "modalities":
        return ["text", "audio"] if "audio" in value else value
    if key == "turn_detection" and value is not None:
        return {name: one for name, one in value.items() if one is not None}
    return value


def _convert_item(item: Event) -> Event:
    if "content" not in item:
        return item
    return {
        **item,
        "content": [{**part, "type": PART_TYPES.get(part["type"], part["type"])} for part in item["content"]],
    }


def _convert_error(error: Event) -> Event:
    """Return an error with the path of the key at fault, also in its message, in beta's spelling."""
    param = error["param"]
    if not param or not param.startswith(("session.", "response.")):
        return error
    path, message = convert_path(param), error["message"].replace(param, convert_path(param))
    message = message.replace(param.removesuffix(".type"), path)  # of a format, which beta has in one word
    for kind, name in FORMATS.items():
        message = message.replace(kind, name)
    return {**error, "param": path, "message": message}


def convert_path(param: str) -> str:
    """Return the path of a key in GA, such as `session.audio.output.voice`, as beta spells it."""
    root, _, rest = param.partition(".")
    for key, place in PATHS.items():
        if rest == place or rest.startswith(f"{place}."):
            return f"{root}.{key}" + ("" if key.endswith("_format") else rest[len(place) :])
    return param


def _parse_temperature(value: object, param: str) -> float | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not MIN_TEMPERATURE <= value <= MAX_TEMPERATURE:  # type: ignore[operator]
        message = f"'{param}' must be a number between {MIN_TEMPERATURE} and {MAX_TEMPERATURE}."
        raise ProtocolError("invalid_value", message, param)
    return float(value)  # type: ignore[arg-type]
