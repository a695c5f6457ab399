//! When two numbers are the same, and their order.
//!
//! Integers are equal when their values are; fractions when their printed digits are, as Terraform has
//! it: `pow(0.1, 1) == 0.1` holds though one has 53 bits and the other 512. For fractions of one
//! precision that is equality of values. The order takes a fraction for the decimal it prints as, so
//! that it agrees with equality; no integer lies between a fraction and that decimal.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

use super::{Number, Repr, decimal::LowerNeighbour};

impl Number {
    /// Compares the exact binary values, as the operators `<` and `>` do.
    ///
    /// It differs from [`Ord`] only between numbers of unlike precision that print the same.
    #[must_use]
    pub fn value_cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Small { value: left, .. }, Repr::Small { value: right, .. }) => left.cmp(right),
            (Repr::Small { .. } | Repr::NegativeZero { .. } | Repr::Big(_), _) => {
                self.to_binary().value_cmp(&other.to_binary())
            }
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.is_integer() || other.is_integer() || self.precision() == other.precision() {
            return self.value_cmp(other);
        }
        self.decimal(LowerNeighbour::True).cmp(&other.decimal(LowerNeighbour::True))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Number {}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Repr::Small { value, .. } => value.hash(state),
            Repr::NegativeZero { .. } => 0i64.hash(state),
            Repr::Big(big) if self.is_integer() => {
                (big.value.negative, &big.value.mantissa, big.value.exponent).hash(state);
            }
            Repr::Big(_) => self.decimal(LowerNeighbour::True).hash(state),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{
        cmp::Ordering,
        hash::{BuildHasher, RandomState},
    };

    use super::Number;

    #[test]
    fn equality_is_of_integers_by_value_and_of_fractions_by_digits() {
        let float = |value: f64| Number::try_from(value).unwrap();
        let text = |text: &str| Number::parse(text).unwrap();
        let hasher = RandomState::new();
        for (left, right) in [
            (float(0.1), text("0.1")),
            (float(2f64.powi(62)), text("4611686018427387904")),
            (float(2f64.powi(100)), text("1267650600228229401496703205376")),
            (float(3.0), Number::from(3)),
            (Number::from(u64::MAX), text("18446744073709551615")),
            (-Number::ZERO, float(0.0)),
        ] {
            assert_eq!(left, right);
            assert_eq!(left.cmp(&right), Ordering::Equal);
            assert_eq!(hasher.hash_one(&left), hasher.hash_one(&right), "{left}");
        }
        assert_ne!(float(2f64.powi(62)), text("4611686018427388000"));
        assert_ne!(float(0.1), text("0.1000000000000000055511151231257827021181583404541015625"));
    }

    #[test]
    fn the_operators_see_what_printing_hides() {
        let float = Number::try_from(0.1).unwrap();
        let text = Number::parse("0.1").unwrap();
        assert_eq!(float.value_cmp(&text), Ordering::Greater);
        assert_eq!(text.value_cmp(&float), Ordering::Less);
    }

    #[test]
    fn order_is_by_value() {
        let ascending =
            ["-1e300", "-12", "-1.5", "-1", "-0.1", "-1e-300", "0", "1e-300", "0.1", "1", "1.5", "12", "1e300"];
        let numbers: Vec<Number> = ascending.iter().map(|text| Number::parse(text).unwrap()).collect();
        for (i, left) in numbers.iter().enumerate() {
            for (j, right) in numbers.iter().enumerate() {
                assert_eq!(left.cmp(right), i.cmp(&j), "{left} and {right}");
                assert_eq!(left.value_cmp(right), i.cmp(&j), "{left} and {right}");
            }
        }
    }
}
