"""The codes with which a WebSocket is closed, and what each means here. They stand here once; this imports nothing.

The numbers are those of RFC 6455, section 7.4.1, and of the IANA registry of WebSocket close codes. Before the server
closes with one of the last four it sends an `error` event that says why. The page's reading of them is in
`static/js/net/close_codes.js`.
"""

NORMAL = 1000  # what was wanted is done
NO_STATUS = 1005  # never on the wire: the peer closed without a code
ABNORMAL = 1006  # never on the wire: the connection broke
POLICY_VIOLATION = 1008  # the client is at fault, or may not go on: the same again would be refused again
INTERNAL_ERROR = 1011  # the server failed
SERVICE_RESTART = 1012  # the process stops: connect again at once
TRY_AGAIN_LATER = 1013  # there is no room, or something that the server needs is away


def get_error_type(close_code: int) -> str:
    """Return the `type` of the `error` event that comes before a close with this code: it says whose fault it is."""
    return "invalid_request_error" if close_code == POLICY_VIOLATION else "server_error"
