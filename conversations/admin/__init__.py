"""What staff manage and review in the admin: assistants, conversations and MCP servers."""

from conversations.admin.assistants import AssistantAdmin
from conversations.admin.conversations import ConversationAdmin
from conversations.admin.mcp_servers import McpServerAdmin

__all__ = ["AssistantAdmin", "ConversationAdmin", "McpServerAdmin"]
