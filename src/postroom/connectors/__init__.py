"""How we reach a server: one file per protocol. No Django; bytes are the border to the rest."""
