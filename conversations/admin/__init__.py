from conversations.admin.assistants import AssistantAdmin
from conversations.admin.conversations import ConversationAdmin

__all__ = ["AssistantAdmin", "ConversationAdmin"]
