"""The relay decides what a speech-to-speech session does: it stands between the client and an upstream Realtime server.

It passes events on, stores the conversation, and is as pure as the turn machine.

    client events ─┐                  ┌─ Send, Save, KeepAudio, Remove …   as of the turn machine
    upstream's   ──┼─► RelayMachine ──┼─ SendUpstream                 to the upstream
    deadlines    ──┘                  └─ Reconnect                    the upstream hangs

Ids of items and responses are the upstream's. What the client sees of the session is ours: its id, model, expiry and
limits. As in a cascade session, an item is stored before the client is told of it.
"""
