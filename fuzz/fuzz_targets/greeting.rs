//! An encoded greeting decodes to the same greeting. A refusal does not depend on later bytes,
//! except for the name of the protocol that the remote uses instead.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zmtp_proto::greeting::{Greeting, GreetingError};

fuzz_target!(|input: &[u8]| {
    let whole = Greeting::decode(input);
    match whole {
        Ok(Some(greeting)) => {
            let encoded = greeting.encode();
            assert_eq!(Greeting::decode(&encoded), Ok(Some(greeting)));
            // The bytes of version and mechanism are preserved. The bytes around them have no
            // meaning.
            assert_eq!(encoded[10..32], input[10..32]);
        }
        Ok(None) => assert!(input.len() < Greeting::LEN),
        Err(_) => {}
    }
    for end in 0..input.len().min(Greeting::LEN) {
        match Greeting::decode(&input[..end]) {
            Ok(greeting) => assert_eq!(greeting, None),
            Err(GreetingError::Foreign { .. } | GreetingError::NotZmtp3 { .. }) => {
                assert!(matches!(
                    whole,
                    Err(GreetingError::Foreign { .. } | GreetingError::NotZmtp3 { .. })
                ))
            }
            Err(error) => assert_eq!(whole, Err(error)),
        }
    }
});
