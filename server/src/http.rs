//! What the HTTP side of both roles shares.
