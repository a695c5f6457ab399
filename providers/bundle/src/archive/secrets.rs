//! What never belongs into an archive that others get.

/// Patterns of a node's identity and secrets, excluded from archives unless the user says otherwise.
///
/// A network's nodes must not inherit each other's identity from a seed, and a published snapshot
/// must not carry keys. Locks and pids are no secrets and are left to the databases.
pub const SECRETS: &[&str] = &[
    // Consensus and peer-to-peer identities: CometBFT, Ethereum clients, Avalanche, Substrate, Solana, libp2p.
    "node_key.json",
    "priv_validator_key.json",
    "priv_validator_state.json",
    "nodekey",
    "enr-identity",
    "staker.key",
    "staker.crt",
    "signer.key",
    "secret_ed25519",
    "validator-keypair.json",
    "vote-account-keypair.json",
    "libp2p.key",
    "jwt.hex",
    "jwtsecret",
    // Wallets and keyrings.
    "keyring-*/",
    "keystore/",
    "keyhash",
    "UTC--*",
    "mnemonic.txt",
    "wallet.dat",
    // Private keys, credentials and environments.
    "*.pem",
    "*.p12",
    "*.pfx",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    ".ssh/",
    ".aws/",
    ".env",
    ".netrc",
    ".pgpass",
];
