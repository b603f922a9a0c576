"""Pages for steering: the outbox and the ledger of letters. Agents see their own messages in the outbox."""
