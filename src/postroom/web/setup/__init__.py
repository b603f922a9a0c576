"""Pages of set-up: channels, senders, queues, people, outbox, ledger."""
