"""The tools of the site, by name. To add one, add a line here; an admin then gives it to assistants."""

from accounts.models import Scope
from conversations.tools.clock import current_time
from conversations.tools.past_talks import search_past_talks
from conversations.tools.site_tool import SiteTool

SITE_TOOLS: dict[str, SiteTool] = {
    tool.tool.name: tool
    for tool in (
        SiteTool.from_function(current_time),
        SiteTool.from_function(search_past_talks, scope=Scope.CONVERSATIONS_READ),
    )
}
