"""The tool calls of a response: the client's functions, which end the response, and the server's own tools.

function_call   output_item.added … function_call_arguments.delta, .done, output_item.done
mcp_call        output_item.added … mcp_call_arguments.delta, .done, mcp_call.in_progress, then .completed or
                .failed, output_item.done; then the model is asked again and sees what the tool returned
"""

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn import response_events
from conversations.realtime.agent_turn.response import Response
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import LiveItem, Status

MAX_ID_CHARS = 32
MAX_CALLS = 32  # in one response
CUT_OFF = "The reply was ended before the tool was done. Whether it was carried out is not known."


class ToolCalls:
    """Turn what the model writes of its calls into items and events, and have the server's tools run."""

    def __init__(self, state: CascadeState) -> None:
        self.state = state

    def add_delta(self, response: Response, event: engine_events.ToolCallDelta) -> Failure | None:
        """Add a piece of a call. Return why the response must fail, or None."""
        item = response.writing.get(event.index)
        if item is None:
            if len(response.outputs) > MAX_CALLS:
                return Failure("engine_rejected", "The language model kept calling tools. Please try again.")
            item = self._open(response, event)
        if len(item.call["arguments"]) + len(event.arguments) > self.state.limits.max_text_chars:
            return Failure("engine_rejected", "The language model did not stop writing a tool call. Please try again.")
        item.call["arguments"] += event.arguments
        if event.arguments:
            self._send_arguments(response, item, "delta", delta=event.arguments)
        return None

    def _open(self, response: Response, event: engine_events.ToolCallDelta) -> LiveItem:
        tool = next((tool for tool in response.options.tools if tool.name == event.name), None)
        # A tool that nobody offered is no call for the client: the model is told that it does not exist.
        label = "unknown" if tool is None else tool.server_label
        item = LiveItem(self.state.make_id("item"), type="mcp_call" if label else "function_call", status="in_progress")
        item.response_id = response.id
        call_id = event.call_id if 0 < len(event.call_id) <= MAX_ID_CHARS else self.state.make_id("call")
        item.call = {"call_id": call_id, "name": event.name, "arguments": "", "server_label": label}
        response.writing[event.index] = item
        before = self._insert_item(response, item)
        response_events.add_output(response, item, before)
        return item

    def _insert_item(self, response: Response, item: LiveItem) -> str | None:
        if response.is_out_of_band:
            return None
        self.state.log.insert(item)
        self.state.save(item)
        return self.state.log.get_previous_id(item)

    def _send_arguments(self, response: Response, item: LiveItem, step: str, **fields: str) -> None:
        if item.type == "function_call":
            fields["call_id"] = item.call["call_id"]
            if step == "done":
                fields["name"] = item.call["name"]
        elif step == "delta":
            fields["obfuscation"] = ""  # the agents SDK drops the event without the key
        kind = f"response.{'mcp' if item.type == 'mcp_call' else 'function'}_call_arguments.{step}"
        response_events.send_output_event(response, item, kind, **fields)

    def end_round(self, response: Response, *, is_whole: bool) -> bool:
        """Close the calls that the model has written in this round, run the server's, and return whether there are any.

        `is_whole` False: the model was cut off, so its calls are incomplete.
        """
        calls, response.writing = response.writing, {}
        for item in calls.values():
            if not is_whole:
                self._close(response, item, "incomplete")
                continue
            if item.type == "function_call":
                response.to_hand_over.append(item)
            else:
                self._send_arguments(response, item, "done", arguments=item.call["arguments"])
                self._run(response, item)
        return bool(calls)

    def hand_over(self, response: Response) -> None:
        """Give the client its calls after all speech: with a call it asks for the next response at once."""
        for item in response.to_hand_over:
            if response.status == "completed":
                self._send_arguments(response, item, "done", arguments=item.call["arguments"])
            self._close(response, item, "completed" if response.status == "completed" else "incomplete")

    def _run(self, response: Response, item: LiveItem) -> None:
        self._send_progress(item, response, "in_progress")
        if item.call["server_label"] == "unknown":
            self._finish(response, item, "", f"There is no tool {item.call['name']!r}.")
        else:
            response.running[item.id] = item
            self.state.do(commands.RunTool(response.id, item.id, item.call["name"], item.call["arguments"]))

    def finish(self, response: Response, event: engine_events.ToolCallDone) -> None:
        """Close the call of a tool of the server that has returned."""
        item = response.running.pop(event.item_id)
        self._finish(response, item, event.output, event.error)

    def _finish(self, response: Response, item: LiveItem, output: str, error: str) -> None:
        response.has_brought = True
        item.call["output"] = output or error
        if error:
            item.call["error"] = error
        self._send_progress(item, response, "failed" if error else "completed")
        self._close(response, item, "completed")

    def _send_progress(self, item: LiveItem, response: Response, step: str) -> None:
        place = response.outputs.index(item)
        self.state.send(f"response.mcp_call.{step}", item_id=item.id, output_index=place)

    def _close(self, response: Response, item: LiveItem, status: Status) -> None:
        item.status = status
        if not response.is_out_of_band:
            self.state.save(item)
        response_events.close_output(response, item, self._find_previous_id(response, item))

    def _find_previous_id(self, response: Response, item: LiveItem) -> str | None:
        return None if response.is_out_of_band else self.state.log.get_previous_id(item)

    def abandon(self, response: Response) -> None:
        """Close the calls that are not done, since the response ends."""
        for item in response.running.values():
            # The model must know that the tool was started: it may have changed something.
            item.call["output"] = item.call["error"] = CUT_OFF
            self._send_progress(item, response, "failed")
        for item in [*response.writing.values(), *response.running.values()]:
            self._close(response, item, "incomplete")
        response.writing, response.running = {}, {}

    def store_without_message(self, response: Response) -> None:
        """Store usage and waterfall with the first call, if the response has no message."""
        first = response.outputs[0]
        first.usage, first.waterfall = response.item.usage, response.item.waterfall
        self.state.save(first, is_final=True)
