"""What can be set: how a setting is declared, the options, the deployment and Django's settings."""
