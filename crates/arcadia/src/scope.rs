//! Who calls and whose data he may see. Every read of tenant data takes a [`Scope`], so that a query without one does
//! not compile.

/// All tenants' data, or one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A platform admin's.
    All,
    /// One tenant's.
    Tenant(String),
}

impl Scope {
    /// The tenant to which a query is confined.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Scope::All => None,
            Scope::Tenant(tenant) => Some(tenant),
        }
    }

    /// Whether something of that tenant may be seen; what belongs to none is for platform admins.
    #[must_use]
    pub fn covers(&self, tenant_id: Option<&str>) -> bool {
        match self {
            Scope::All => true,
            Scope::Tenant(own) => tenant_id == Some(own.as_str()),
        }
    }

    /// Whether it is a platform admin's.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Scope::All)
    }
}

/// Someone with a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// A user id.
    pub subject: String,
    /// What he may see.
    pub scope: Scope,
}
