//! Addresses and prefixes of IP networks.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use loam_provider::{Type, Value};
use num_bigint::{BigInt, Sign};

use super::{Fault, Function, Param, Want, big, text, whole};

const PREFIX: Param = Param::new("prefix", Want::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "cidrcontains",
        &[Param::new("containing_prefix", Want::String), Param::new("contained_ip_or_prefix", Want::String)],
        Want::Bool,
        |_, args| contains(args),
        "Returns whether an address or a network lies inside another network.",
    ),
    Function::plain(
        "cidrhost",
        &[PREFIX, Param::new("hostnum", Want::Number)],
        Want::String,
        |_, args| host(args),
        "Returns the address of a host in a network; a negative number counts from the end.",
    ),
    Function::plain(
        "cidrnetmask",
        &[PREFIX],
        Want::String,
        |_, args| netmask(args),
        "Returns the mask of an IPv4 network in dotted form.",
    ),
    Function::plain(
        "cidrsubnet",
        &[PREFIX, Param::new("newbits", Want::Number), Param::new("netnum", Want::Number)],
        Want::String,
        |_, args| subnet(args),
        "Returns the network of a number inside another, its prefix longer by some bits.",
    ),
    Function::plain(
        "cidrsubnets",
        &[PREFIX],
        Want::Strings,
        |_, args| subnets(args),
        "Returns networks that follow each other inside another, each prefix longer by its own number of bits.",
    )
    .rest(Param::new("newbits", Want::Number)),
];

/// The version of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V4,
    V6,
}

/// An address, as a number of 32 or 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address {
    version: Version,
    bits: u128,
}

/// A network: its first address and the length of its prefix.
#[derive(Debug, Clone, Copy)]
struct Network {
    base: Address,
    length: u32,
}

impl Version {
    const fn width(self) -> u32 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        if text.contains(':') {
            let parsed: Ipv6Addr = text.parse().ok()?;
            return Some(Self { version: Version::V6, bits: parsed.to_bits() });
        }
        // Leading zeros do not make a part octal.
        let part = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.trim_start_matches('0'))?.parse::<u8>().ok().or_else(|| is_zero(part).then_some(0))
        };
        let parts = text.split('.').map(part).collect::<Option<Vec<u8>>>()?;
        let octets: [u8; 4] = parts.try_into().ok()?;
        Some(Self { version: Version::V4, bits: u128::from(u32::from_be_bytes(octets)) })
    }
}

fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|byte| byte == b'0')
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v4 = |bits: u128| Ipv4Addr::from(u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(u32::MAX));
        match self.version {
            Version::V4 => v4(self.bits).fmt(f),
            // An IPv4 address in IPv6 is written as what it means.
            Version::V6 if self.bits >> 32 == 0xFFFF => v4(self.bits).fmt(f),
            Version::V6 => Ipv6Addr::from(self.bits).fmt(f),
        }
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("\"{text}\" is not a network such as \"10.0.0.0/8\" or \"2001:db8::/32\"");
        let (address, length) = text.split_once('/').ok_or_else(invalid)?;
        let address = Address::parse(address).ok_or_else(invalid)?;
        let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        let length: u32 = if digits { length.parse().map_err(|_| invalid())? } else { return Err(invalid()) };
        if length > address.version.width() {
            return Err(format!(
                "the prefix of an {} network has at most {} bits",
                address.version,
                address.version.width()
            ));
        }
        Ok(Self::of(address, length))
    }

    /// Returns the network of an address.
    fn of(address: Address, length: u32) -> Self {
        let free = address.version.width() - length;
        let bits = address.bits.checked_shr(free).and_then(|bits| bits.checked_shl(free)).unwrap_or(0);
        Self { base: Address { bits, ..address }, length }
    }

    /// Returns the number of bits after the prefix.
    const fn free(&self) -> u32 {
        self.base.version.width() - self.length
    }

    /// Returns the last address.
    fn last(&self) -> Address {
        let hosts = u128::MAX.checked_shr(128 - self.free()).unwrap_or(0);
        Address { bits: self.base.bits | hosts, ..self.base }
    }

    fn contains(&self, address: Address) -> bool {
        address.version == self.base.version && (self.base.bits..=self.last().bits).contains(&address.bits)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.length)
    }
}

fn network(args: &[Value], index: usize) -> Result<Network, Fault> {
    Network::parse(text(args, index)).map_err(|because| Fault::Argument(index, because))
}

fn contains(args: &[Value]) -> Result<Value, Fault> {
    let outer = network(args, 0)?;
    let inner = text(args, 1);
    let (first, last) = match Address::parse(inner) {
        Some(address) => (address, address),
        None => {
            let inner = Network::parse(inner)
                .map_err(|_| Fault::Argument(1, format!("\"{inner}\" is neither an address nor a network")))?;
            (inner.base, inner.last())
        }
    };
    if first.version != outer.base.version {
        let because = format!("it is {}, but the network is {}", first.version, outer.base.version);
        return Err(Fault::Argument(1, because));
    }
    Ok((outer.contains(first) && outer.contains(last)).into())
}

fn host(args: &[Value]) -> Result<Value, Fault> {
    let network = network(args, 0)?;
    let wanted = big(args, 1)?;
    let last = (BigInt::from(1) << network.free()) - 1;
    let number = if wanted.sign() == Sign::Minus { &last + 1 + &wanted } else { wanted.clone() };
    if number.sign() == Sign::Minus || number > last {
        let because = format!("a prefix of {} bits has no host number {wanted}", network.length);
        return Err(Fault::Argument(1, because));
    }
    let number = u128::try_from(&number).unwrap_or_default();
    Ok(Address { bits: network.base.bits | number, ..network.base }.to_string().into())
}

fn netmask(args: &[Value]) -> Result<Value, Fault> {
    let network = network(args, 0)?;
    match network.base.version {
        Version::V4 => {
            let mask = u32::MAX.checked_shl(network.free()).unwrap_or(0);
            Ok(Ipv4Addr::from(mask).to_string().into())
        }
        Version::V6 => Err(Fault::Argument(0, "an IPv6 network has no mask, only a prefix".into())),
    }
}

fn subnet(args: &[Value]) -> Result<Value, Fault> {
    let network = network(args, 0)?;
    let bits = whole(args, 1)?;
    let number = big(args, 2)?;
    let Ok(bits) = u32::try_from(bits) else {
        // Fewer bits: the network around this one, of which there is one.
        let shorter = i64::from(network.length) + bits;
        return match u32::try_from(shorter) {
            Ok(length) if number.sign() == Sign::NoSign => Ok(Network { length, ..network }.to_string().into()),
            _ => {
                Err(Fault::Argument(1, format!("a prefix of {} bits cannot be {} bits shorter", network.length, -bits)))
            }
        };
    };
    if bits > network.free() {
        let because = format!("a prefix of {} bits cannot be {bits} bits longer", network.length);
        return Err(Fault::Argument(1, because));
    }
    if number.sign() == Sign::Minus || number >= BigInt::from(1) << bits {
        return Err(Fault::Argument(2, format!("{bits} more bits have no network number {number}")));
    }
    let length = network.length + bits;
    let number = u128::try_from(&number).unwrap_or_default();
    let shifted = number.checked_shl(network.base.version.width() - length).unwrap_or(0);
    let base = Address { bits: network.base.bits | shifted, ..network.base };
    Ok(Network { base, length }.to_string().into())
}

fn subnets(args: &[Value]) -> Result<Value, Fault> {
    /// A prefix can be longer by so many bits.
    const MOST_BITS: i64 = 32;
    let network = network(args, 0)?;
    let width = network.base.version.width();
    let mut found: Vec<Network> = Vec::with_capacity(args.len() - 1);
    // The first address that is free; `None` after the very last one.
    let mut free = Some(network.base.bits);
    for index in 1..args.len() {
        let bits = whole(args, index)?;
        if bits < 1 {
            return Err(Fault::Argument(index, "the prefix must become longer by at least one bit".into()));
        }
        if bits > MOST_BITS {
            return Err(Fault::Argument(index, format!("the prefix can become longer by at most {MOST_BITS} bits")));
        }
        let length = network.length + u32::try_from(bits).unwrap_or(0);
        if length > width {
            let because = format!("a prefix of {length} bits is too long for {}", network.base.version);
            return Err(Fault::Argument(index, because));
        }
        let size = 1u128.checked_shl(width - length).unwrap_or(0);
        let start = free
            .and_then(|free| free.checked_next_multiple_of(size))
            .filter(|start| network.contains(Address { bits: *start, ..network.base }));
        let Some(start) = start else {
            let after = found.last().map(|before| format!(" after {before}")).unwrap_or_default();
            return Err(Fault::Argument(index, format!("there is no room for a prefix of {length} bits{after}")));
        };
        let next = Network { base: Address { bits: start, ..network.base }, length };
        free = next.last().bits.checked_add(1);
        found.push(next);
    }
    Ok(Value::list(Type::String, found.iter().map(|network| Value::from(network.to_string()))))
}
