//! The keys that sign exports and lists: one, or two while the one gives way to the other.

use std::sync::Arc;

use gaen::export::{PinnedKey, Signer};
use gaen::time::UnixSeconds;

use super::OpenError;
use super::config::{Next, Signing};
use crate::secret::Place;

/// What signs, at any time. Its clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Signers {
    own: Arc<Signer>,
    next: Option<Coming>,
    /// Those that signed before, which have lost their names.
    former: Arc<[Signer]>,
}

/// A key that signs beside the other, and then in its place.
#[derive(Clone, Debug)]
struct Coming {
    signer: Arc<Signer>,
    /// Until then, it does not sign.
    from: UnixSeconds,
    /// From then on, it signs alone.
    alone_from: Option<UnixSeconds>,
}

impl Signers {
    /// Those that `settings` name.
    ///
    /// # Errors
    /// [`OpenError`] says which is missing.
    pub(super) fn open(settings: &Signing) -> Result<Self, OpenError> {
        let app_id = settings.app_id.as_deref();
        let own = open(&settings.key, &settings.id, &settings.version, app_id)?;
        let next = settings.next.as_ref().map(|next| {
            let Next {
                key, id, version, ..
            } = next;
            Ok::<_, OpenError>(Coming {
                signer: open(key, id, version, app_id)?,
                from: next.from(),
                alone_from: next.alone_from(),
            })
        });
        let next = next.transpose()?;
        if let Some(next) = &next
            && next.signer.public_key_pem() == own.public_key_pem()
        {
            return Err(OpenError::SameKey);
        }
        let former = settings.former_keys.iter().map(|key| {
            let key = key.read()?;
            // What seals is any text; only what can sign has signed.
            Ok::<_, OpenError>(Signer::from_pem("", "", key.expose()).ok())
        });
        let former: Result<Vec<_>, _> = former.collect();
        Ok(Self {
            own,
            next,
            former: former?.into_iter().flatten().collect(),
        })
    }

    /// `own` alone.
    #[cfg(test)]
    pub(super) fn one(own: Arc<Signer>) -> Self {
        Self {
            own,
            next: None,
            former: Arc::default(),
        }
    }

    /// Those that sign at `now`: one or two.
    pub(super) fn at(&self, now: UnixSeconds) -> Vec<Arc<Signer>> {
        let next = self.next.as_ref().filter(|next| now >= next.from);
        let is_over = next
            .and_then(|next| next.alone_from)
            .is_some_and(|it| now >= it);
        let own = Some(&self.own).filter(|_| !is_over);
        let all = own.into_iter().chain(next.map(|next| &next.signer));
        all.map(Arc::clone).collect()
    }

    /// What verifies all that they have signed, or will.
    pub(super) fn pinned(&self) -> Vec<PinnedKey> {
        let next = self.next.iter().map(|next| next.signer.pinned_key());
        std::iter::once(self.own.pinned_key()).chain(next).collect()
    }

    /// The same, and what verifies a file of before that says that keys of these ids and
    /// versions signed it.
    pub(super) fn pinned_of_any_time(&self, claimed: &[(String, String)]) -> Vec<PinnedKey> {
        let mut pinned = self.pinned();
        for (id, version) in claimed {
            let former = self.former.iter().map(Signer::public_key_pem);
            pinned.extend(former.filter_map(|pem| PinnedKey::from_pem(id, version, &pem).ok()));
        }
        pinned
    }
}

fn open(
    key: &Place,
    id: &str,
    version: &str,
    app_id: Option<&str>,
) -> Result<Arc<Signer>, OpenError> {
    let signer = Signer::from_pem(id, version, key.read()?.expose())?;
    Ok(Arc::new(match app_id {
        Some(app_id) => signer.with_app_id(app_id),
        None => signer,
    }))
}
