"""Clients that come back to a session of this process, and those that are not waited for any more."""

from conversations.session.live_sessions import LIVE_SESSIONS
from conversations.transport.client_link import RESUMABLE, ClientLink
from conversations.transport.sockets import Socket


async def take_link(socket: Socket, token: str, after: str, user_id: int) -> ClientLink | None:
    """Return the link that goes on over this socket behind the event `after`, or None if none can, for any reason."""
    link = RESUMABLE.get(token)
    if link is None or link.user_id != user_id or LIVE_SESSIONS.is_stopping:
        return None
    return link if await link.take_back(socket, after) else None


def give_up_one(user_id: int) -> bool:
    """End the session of a user here that waits longest for its client, and return whether there is one."""
    waiting = {link: link.waits_since for link in RESUMABLE.values() if link.user_id == user_id}
    since = {link: at for link, at in waiting.items() if at is not None}
    if since:
        min(since, key=since.__getitem__).give_up()
    return bool(since)
