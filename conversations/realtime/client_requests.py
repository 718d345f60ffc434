"""What a client requests by events other than audio. A request that is refused raises ProtocolError."""

from openai.types import realtime as sdk

from conversations.realtime import item_edits
from conversations.realtime.agent_turn.mcp_listings import McpListings
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.commands import StopStoring
from conversations.realtime.measurements import PlaybackLatency
from conversations.realtime.protocol import client_items
from conversations.realtime.protocol.client_events import (
    ItemCreation,
    PlaybackStarted,
    ResponseRequest,
    SessionUpdate,
    TranscriptionRetry,
)
from conversations.realtime.protocol.errors import ProtocolError, build_no_response_error
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.response_options import parse_options
from conversations.realtime.protocol.session_update import update_config
from conversations.realtime.user_turn.turn import UserTurn


class ClientRequests:
    """Carries out the requests of a client, or raises ProtocolError."""

    def __init__(self, state: CascadeState, user_turn: UserTurn, agent_turn: AgentTurn, listings: McpListings) -> None:
        self.state = state
        self.user_turn = user_turn
        self.agent_turn = agent_turn
        self.listings = listings

    def update_session(self, event: SessionUpdate) -> None:
        """Change the session's settings, and send `session.updated`."""
        state, before = self.state, self.state.config.input.turn_detection
        could_retry = state.has_extension("retry")
        has_begun = bool(len(state.log) or self.user_turn.buffer.received or self.agent_turn.response)
        known = {"has_sent_audio": state.has_sent_audio, "has_begun": has_begun}
        state.configure(
            update_config(state.config, event.patch, **known, own_tools=state.own_tools, servers=state.servers),
        )
        if state.config.input.turn_detection != before:
            self.user_turn.configure()
        if state.config.is_transcription and not state.setup.stores_captions:
            state.is_audio_stored = False
            state.do(StopStoring())
        state.send("session.updated", session=state.config.show())
        if state.has_extension("retry") and not could_retry:
            self.user_turn.transcription.offer_retry()
        self.listings.begin()

    # Items.

    def create_item(self, event: ItemCreation) -> None:
        """Add an item to the conversation. Audio without a transcript is transcribed."""
        item, pcm = client_items.build_item(self.state, event.item, "item")
        client_items.check_new(self.state, item)
        client_items.check_outputs([item], self.state.log)
        if pcm and not item.is_transcribed:
            self.user_turn.transcription.check_pending()
        item_edits.check_place(self.state, event.previous_item_id)
        self.state.log.insert(item, event.previous_item_id)
        if pcm and not item.is_transcribed:
            self.user_turn.transcription.await_item(item, pcm, respond=False)
        self.state.save(item, after=event.previous_item_id, pcm=pcm)
        self.state.announce(item)

    def retrieve_item(self, event: sdk.ConversationItemRetrieveEvent) -> None:
        """Send an item as it stands now."""
        if listing := self.listings.get(event.item_id):
            self.state.send("conversation.item.retrieved", item=listing.to_wire())
        else:
            item_edits.send_item(self.state, event.item_id)

    def retry_transcription(self, event: TranscriptionRetry) -> None:
        """Transcribe an utterance again that speech to text has failed at."""
        self.user_turn.transcription.retry(item_edits.get_item(self.state, event.item_id, "transcribe"))

    def delete_item(self, event: sdk.ConversationItemDeleteEvent) -> None:
        """Delete an item from the conversation."""
        item = item_edits.get_item(self.state, event.item_id, "delete")
        running = self.agent_turn.response
        if running is not None and item in running.outputs:
            message = "The item belongs to a response that is running. Wait for it, or send response.cancel first."
            raise ProtocolError("item_delete_in_progress", message, "item_id")
        self.agent_turn.playback_queue.forget(item)
        item_edits.delete_item(self.state, item)

    def truncate_item(self, event: sdk.ConversationItemTruncateEvent) -> None:
        """Cut an item of the assistant to what was heard of it."""
        item = item_edits.get_item(self.state, event.item_id, "truncate")
        heard = (event.model_extra or {}).get("heard")
        if heard is not None and self.state.has_extension("playback"):
            return self._truncate_text(item, heard)
        item_edits.check_truncation(item, event.content_index, event.audio_end_ms)
        return item_edits.truncate_item(self.state, item, event.audio_end_ms)

    def _truncate_text(self, item: LiveItem, heard: object) -> None:
        """Cut a reply in text that the client speaks itself. `heard` is the part that was spoken (docs/protocol.md)."""
        if item.role != "assistant" or item.is_audio:
            message = "'heard' is for an assistant's message in text. For one with audio, use 'audio_end_ms'."
            raise ProtocolError("unsupported_content_type", message, "item_id")
        if not isinstance(heard, str) or not item.text.startswith(heard):
            raise ProtocolError("invalid_value", "'heard' must be the beginning of the item's text.", "heard")
        item.heard_text = heard
        self.state.save(item)
        self.state.send("conversation.item.truncated", item_id=item.id, content_index=0, audio_end_ms=0)

    # Responses.

    def create_response(self, event: ResponseRequest) -> None:
        """Begin a response, in the conversation or out of band."""
        if self.state.config.is_transcription:
            message = "A transcription session gives no responses. To get them, connect without intent=transcription."
            raise ProtocolError("invalid_value", message, "type")
        options = parse_options(self.state, event)
        if options.is_out_of_band:
            return self.agent_turn.out_of_band.begin(options)
        if self.agent_turn.response is not None:
            message = (
                f"The response {self.agent_turn.response.id} is still running. Wait for it, or send response.cancel."
            )
            raise ProtocolError("conversation_already_has_active_response", message)
        return self.agent_turn.begin(options)

    def start_playback(self, event: PlaybackStarted) -> None:
        """Take over the client's own playback position, which is better than an estimate.

        It is ignored for a response that is not played any more.
        """
        response = self.agent_turn.playback_queue.find(event.response_id)
        if response is None or response.playback.started_at is None:
            return
        began_at = response.playback.report(event.played_ms, self.state.now)
        self.agent_turn.playback_queue.mark_earlier_played(response)
        if "playback" in response.item.waterfall:  # told again after an outage, in which the sound ran dry
            return
        response.stamp("playback", began_at)
        self.state.save(response.item, in_background=True)
        self.state.do(PlaybackLatency(response.item.waterfall["playback"]))

    def cancel_response(self, event: sdk.ResponseCancelEvent) -> None:
        """Cancel the running response, or an out-of-band one by its id."""
        running, out_of_band = self.agent_turn.response, self.agent_turn.out_of_band
        if event.response_id is not None and out_of_band.is_awaiting(event.response_id):
            return out_of_band.cancel(event.response_id)
        if running is None or event.response_id not in (None, running.id):
            raise build_no_response_error()
        return self.agent_turn.cancel("client_cancelled")
