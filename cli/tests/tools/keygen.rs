//! Keys and certificates.

use std::fs;

use tokio_zmtp::auth::{CurveCertificate, CurvePublicKey, CurveSecretKey};

use crate::process::{directory, run, run_with};

#[tokio::test]
async fn a_printed_pair_of_keys_matches() {
    let printed = run(["keygen", "--json"]).await.succeeded();
    let pair: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let secret: CurveSecretKey = pair["secret_key"].as_str().unwrap().parse().unwrap();
    let public: CurvePublicKey = pair["public_key"].as_str().unwrap().parse().unwrap();
    assert_eq!(secret.public_key(), public);
}

#[tokio::test]
async fn certificates_are_written_and_not_replaced() {
    let path = directory("certificates").join("server.cert");
    let file = path.to_str().unwrap();
    let printed = run(["keygen", file, "--metadata", "name=Alice"]).await.succeeded();

    let public = CurveCertificate::load(&path).unwrap();
    assert_eq!(public.public_key().to_string(), printed.trim());
    assert_eq!((public.get("name"), public.keypair()), (Some("Alice"), None));
    let secret = format!("{file}_secret");
    assert!(CurveCertificate::load(&secret).unwrap().keypair().is_some());

    let line = run(["keygen", file]).await.failed(2);
    assert!(line.contains("exists") && line.contains("--force"), "{line}");
    assert_eq!(CurveCertificate::load(&path).unwrap().public_key(), public.public_key());
    assert_eq!(run(["keygen", "--public", &secret]).await.succeeded(), printed);

    assert_ne!(run(["keygen", file, "--force"]).await.succeeded(), printed);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_a_secret_certificate() {
    use std::os::unix::fs::PermissionsExt;

    let path = directory("permissions").join("server.cert");
    run(["keygen", path.to_str().unwrap()]).await.succeeded();
    let secret = fs::metadata(path.with_file_name("server.cert_secret")).unwrap();
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_public_key_of_the_standard_input_is_printed() {
    let secret = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
    let printed = run_with(["keygen", "--public", "-"], secret).await.succeeded();
    assert_eq!(printed, "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\n");

    let line = run_with(["keygen", "--public", "-"], "secret").await.failed(2);
    assert!(line.contains("40 characters"), "{line}");
}
