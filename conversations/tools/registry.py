"""The tools of the site. Each is a function; adding one is a line here, and an admin gives it to assistants."""

from conversations.tools.clock import current_time
from conversations.tools.past_talks import search_past_talks
from conversations.tools.site_tool import SiteTool

SITE_TOOLS: dict[str, SiteTool] = {
    function.__name__: SiteTool.of(function) for function in (current_time, search_past_talks)
}
