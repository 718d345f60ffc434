"""How sessions end: what the client is told, and how long the last words may take."""

from conversations.close_codes import NO_STATUS, NORMAL

BROKEN = "The server had a problem; its log says why. Connect again to continue."
TOO_FAST = "Frames come faster than they can be handled. Send audio at the pace of speech."
DRAIN_SEC = 8.0  # to transcribe and store the last words; well below the server's CLOSE_TIMEOUT_SEC
WORDS_SEC = 6.0  # the part of it in which the last transcripts may come; the rest is for storing
# The same if another session waits for the conversation: it soon takes it by force, and what is unstored then is lost.
HURRIED_WORDS_SEC = 1.5
GOODBYES = (NORMAL, NO_STATUS)  # a client that ends the call itself; 1001 is a closed tab, 1006 a lost network
