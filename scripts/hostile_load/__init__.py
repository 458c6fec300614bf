"""A hostile load on `npbert serve`, every answer of which is checked."""
