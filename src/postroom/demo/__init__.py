"""A mail world for trying things out: a small provider with real IMAP and SMTP, and customers who write and answer.

It knows nothing of the product: it speaks to it as any other mail server does. Not for keeping anybody's mail.

    stories/ -> customers (who writes what) -> letters (bytes) --+
                     ^                                           v
                     |                    provider: smtp, bounces, mailboxes (IMAP)  <->  whoever connects
                     +---- what was sent to a customer ----------+
"""
