//! Names of receivers: the addresses that a connection goes to are judged when it is made.

use std::{io, net::IpAddr, net::SocketAddr, sync::Arc};

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

use super::address::Allowed;

/// The addresses that a name has.
pub trait Lookup: Send + Sync + 'static {
    /// Looks a name up.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's own way.
#[derive(Clone, Copy, Debug)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// An address that nothing is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RefusedAddress(pub &'static str);

/// Looks names up, and gives the addresses alone that are allowed.
#[derive(Clone)]
pub(super) struct Judging {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) allowed: Allowed,
}

impl Resolve for Judging {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.lookup.lookup(name.as_str().to_owned());
        let allowed = self.allowed;
        Box::pin(async move {
            let (mut kept, mut refused) = (Vec::new(), None);
            for address in found.await? {
                match allowed.refuses(address) {
                    Some(why) => refused = Some(RefusedAddress(why)),
                    // The port is the URL's.
                    None => kept.push(SocketAddr::new(address, 0)),
                }
            }
            match refused {
                Some(refused) if kept.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(kept.into_iter()) as Addrs),
            }
        })
    }
}

/// Judges an address that stands in a URL: nobody looks that up.
pub(super) fn judge(url: &url::Url, allowed: Allowed) -> Result<(), RefusedAddress> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    match allowed.refuses(address) {
        Some(why) => Err(RefusedAddress(why)),
        None => Ok(()),
    }
}
