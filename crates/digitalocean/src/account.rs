//! The account behind the token: its limits and whether it is in good standing.

use serde::{Deserialize, Serialize};

use crate::{Client, Error, call::Call, wire::or_default};

open_enum! {
    /// The account's standing.
    pub enum AccountStatus { Active = "active", Warning = "warning", Locked = "locked" }
}

/// The account. Limits are absent where the token may not read what they limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub droplet_limit: Option<u32>,
    pub floating_ip_limit: Option<u32>,
    pub reserved_ip_limit: Option<u32>,
    pub volume_limit: Option<u32>,
    #[serde(default, deserialize_with = "or_default")]
    pub email: String,
    pub name: Option<String>,
    pub uuid: String,
    #[serde(default, deserialize_with = "or_default")]
    pub email_verified: bool,
    pub status: AccountStatus,
    #[serde(default, deserialize_with = "or_default")]
    pub status_message: String,
    pub team: Option<Team>,
}

/// The team the token belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    pub uuid: String,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
}

/// `/v2/account`, by [`Client::account`].
#[derive(Debug, Clone)]
pub struct AccountHandle(Client);

impl Client {
    /// The account behind the token.
    pub fn account(&self) -> AccountHandle {
        AccountHandle(self.clone())
    }
}

impl AccountHandle {
    pub async fn get(&self) -> Result<Account, Error> {
        self.0.fetch(Call::get("/v2/account", &[]), "account").await
    }
}
