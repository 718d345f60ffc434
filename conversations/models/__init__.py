"""What is stored: assistants, conversations, their items in order, and their sound."""

from conversations.models.assistant import Assistant
from conversations.models.clip import AudioClip, ClipData, LooseFile, clip_storage
from conversations.models.conversation import FIRST_WORDS_LENGTH, Conversation, may_review
from conversations.models.engine_fallback import EngineFallback
from conversations.models.item import Item
from conversations.models.mcp_server import McpServer

__all__ = [
    "FIRST_WORDS_LENGTH",
    "Assistant",
    "AudioClip",
    "ClipData",
    "Conversation",
    "EngineFallback",
    "Item",
    "LooseFile",
    "McpServer",
    "clip_storage",
    "may_review",
]
