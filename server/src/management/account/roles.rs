//! What an account may do.

use clap::ValueEnum;

/// One thing that an account may do, which has pages of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Send numbers and take them back, on the page and, with a token, by the API.
    Issue,
    /// Manage accounts, and read the audit log.
    Administrate,
    /// Read how many numbers were issued, sent, used and wrong on each day.
    Statistics,
}

/// All that an account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    issue: bool,
    administrate: bool,
    statistics: bool,
}

impl Role {
    /// All there are, in the order of the pages.
    pub(crate) const ALL: [Self; 3] = [Self::Issue, Self::Administrate, Self::Statistics];

    /// Its name, in the database and in forms.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Administrate => "administrate",
            Self::Statistics => "statistics",
        }
    }
}

impl Roles {
    /// Whether `role` is one of them.
    pub(crate) const fn has(self, role: Role) -> bool {
        match role {
            Role::Issue => self.issue,
            Role::Administrate => self.administrate,
            Role::Statistics => self.statistics,
        }
    }

    /// With `role`, too.
    #[must_use]
    pub(crate) const fn with(mut self, role: Role) -> Self {
        match role {
            Role::Issue => self.issue = true,
            Role::Administrate => self.administrate = true,
            Role::Statistics => self.statistics = true,
        }
        self
    }

    /// Their names, as [`Self::from_text`] reads them.
    pub(crate) fn text(self) -> String {
        let names: Vec<_> = Role::ALL
            .into_iter()
            .filter(|role| self.has(*role))
            .map(Role::name)
            .collect();
        names.join(",")
    }

    /// Those that `text` names; what this version does not know gives no right.
    pub(crate) fn from_text(text: &str) -> Self {
        Role::ALL
            .into_iter()
            .filter(|role| text.split(',').any(|name| name == role.name()))
            .collect()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_written() {
        for (text, roles) in [
            ("", &[][..]),
            ("issue", &[Role::Issue]),
            ("issue,statistics", &[Role::Issue, Role::Statistics]),
            ("issue,administrate,statistics", &Role::ALL),
        ] {
            let roles: Roles = roles.iter().copied().collect();
            assert_eq!(Roles::from_text(text), roles);
            assert_eq!(roles.text(), text);
        }
        assert_eq!(Roles::from_text("issued,all"), Roles::default());
    }
}
