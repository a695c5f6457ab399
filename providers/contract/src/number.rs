//! temporary
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Number(i64);
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("x")]
pub struct ParseNumberError;
impl Number {
    pub fn parse(t: &str) -> Result<Self, ParseNumberError> {
        t.parse().map(Self).map_err(|_| ParseNumberError)
    }
}
impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(n)
    }
}
impl From<u64> for Number {
    fn from(n: u64) -> Self {
        Self(n as i64)
    }
}
impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}
