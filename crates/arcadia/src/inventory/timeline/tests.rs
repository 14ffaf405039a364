//! Owners in valid time under random statements.
