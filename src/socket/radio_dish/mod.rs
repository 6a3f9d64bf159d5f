//! RADIO and DISH (RFC 48).

mod dish;
mod radio;

pub use self::dish::Dish;
pub use self::radio::Radio;
