"""A conversation that another Realtime server holds, event by event between it and the client. Pure.

    client events ─┐                  ┌─ Send, Save, KeepAudio, Remove …   as of the turn machine
    upstream's   ──┼─► RelayMachine ──┼─ SendUpstream                 to the upstream
    deadlines    ──┘                  └─ Reconnect                    the upstream hangs

Ids of items and responses are the upstream's. What the client sees of the session is ours: its id, model, expiry and
limits. What is told to the client is stored first, as ever.
"""
