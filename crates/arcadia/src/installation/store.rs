//! The one row of `arcadia_installation`.

use arcadia_sql::statements;

statements! {
    /// The first process wins; the others' ids are never used.
    pub(crate) MAKE_ONCE = "
        INSERT INTO arcadia_installation (only_row, id, created_at) VALUES (1, $1, $2)
        ON CONFLICT (only_row) DO NOTHING";

    pub(crate) ID = "SELECT id FROM arcadia_installation WHERE only_row = 1";
}
