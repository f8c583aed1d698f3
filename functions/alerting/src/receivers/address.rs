//! Which addresses a webhook may be at. Somebody who may set a webhook must not reach what only this function can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a receiver's addresses may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Public ones alone.
    Public,
    /// All but those where clouds keep credentials.
    Private,
}

impl Allowed {
    /// Why an address is refused, if it is.
    pub fn refuses(self, address: IpAddr) -> Option<&'static str> {
        if is_metadata(address) {
            Some("its address is one where clouds keep credentials")
        } else if self == Self::Public && !is_public(address) {
            Some("its address is not public; ALERT_ALLOW_PRIVATE=true allows that")
        } else {
            None
        }
    }
}

const METADATA_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether credentials of a cloud are there.
pub fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address == METADATA_V4,
        IpAddr::V6(address) => {
            address == METADATA_V6 || embedded(address).is_some_and(|own| own == METADATA_V4)
        }
    }
}

/// Whether an address is reached from everywhere (IANA's registries of special-purpose addresses).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (b & 0xc0) == 64;
    let is_protocol = a == 192 && b == 0 && c == 0;
    let is_relay = a == 192 && b == 88 && c == 99;
    let is_benchmark = a == 198 && (b & 0xfe) == 18;
    !(a == 0
        || a >= 240
        || is_shared
        || is_protocol
        || is_relay
        || is_benchmark
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_global_unicast = (first & 0xe000) == 0x2000;
    // 2001::/23 is for protocols; Teredo is among them.
    let is_protocol = first == 0x2001 && second < 0x200;
    let is_documentation =
        (first == 0x2001 && second == 0xdb8) || (first == 0x3fff && second < 0x1000);
    is_global_unicast && !is_protocol && !is_documentation
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, translated (NAT64) or by 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let last = [segments[6], segments[7]];
    let of = |[high, low]: [u16; 2]| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Some(of(last)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => Some(of(last)),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(of(last)),
        [0x2002, high, low, ..] => Some(of([high, low])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_public_or_not() {
        for (public, addresses) in [
            (
                true,
                &[
                    "1.1.1.1",
                    "93.184.216.34",
                    "100.63.255.255",
                    "172.32.0.1",
                    "198.20.0.1",
                    "2606:4700::1111",
                    "2001:4860:4860::8888",
                    "64:ff9b::101:101",
                    "::ffff:1.1.1.1",
                    "2002:101:101::1",
                ][..],
            ),
            (
                false,
                &[
                    "0.0.0.0",
                    "10.1.2.3",
                    "100.64.0.1",
                    "127.0.0.1",
                    "127.8.8.8",
                    "169.254.1.1",
                    "172.16.0.1",
                    "192.0.0.8",
                    "192.0.2.1",
                    "192.168.0.1",
                    "198.18.0.1",
                    "198.51.100.1",
                    "203.0.113.1",
                    "224.0.0.1",
                    "255.255.255.255",
                    "::",
                    "::1",
                    "::ffff:10.0.0.1",
                    "::ffff:127.0.0.1",
                    "::127.0.0.1",
                    "64:ff9b::a00:1",
                    "64:ff9b:1::1",
                    "2002:a00:1::1",
                    "2001::1",
                    "2001:db8::1",
                    "3fff::1",
                    "100::1",
                    "fc00::1",
                    "fd12:3456::1",
                    "fe80::1",
                    "ff02::1",
                ],
            ),
        ] {
            for text in addresses {
                assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
            }
        }
    }

    #[test]
    fn where_clouds_keep_credentials_is_refused_always() {
        for text in [
            "169.254.169.254",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            let address = text.parse().unwrap();
            for allowed in [Allowed::Public, Allowed::Private] {
                assert!(allowed.refuses(address).is_some(), "{text}");
            }
        }
        let loopback = "127.0.0.1".parse().unwrap();
        assert_eq!(Allowed::Private.refuses(loopback), None);
        assert!(Allowed::Public.refuses(loopback).is_some());
    }
}
