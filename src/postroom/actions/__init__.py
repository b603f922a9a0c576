"""What a person does: check the permission, write, record the event, in one transaction."""
