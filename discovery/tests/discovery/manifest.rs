//! The manifests for Kubernetes.

use std::fs;
use std::path::Path;

use yaml_rust2::{Yaml, YamlLoader};

#[test]
fn the_manifest_of_workers_is_consistent() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("kubernetes/workers.yaml");
    let documents = YamlLoader::load_from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let kind = |kind| documents.iter().find(|one| one["kind"].as_str() == Some(kind)).unwrap();
    let (service, deployment) = (kind("Service"), kind("Deployment"));
    // Headless: the name has the addresses of the pods.
    assert_eq!(service["spec"]["clusterIP"].as_str(), Some("None"));
    let template = &deployment["spec"]["template"];
    let selected = &service["spec"]["selector"];
    assert_eq!(selected, &template["metadata"]["labels"]);
    assert_eq!(selected, &deployment["spec"]["selector"]["matchLabels"]);

    // The port of the service is that of the container, and has the name in the SRV record.
    let port = &service["spec"]["ports"][0];
    let container = &template["spec"]["containers"][0];
    assert_eq!(port["port"], container["ports"][0]["containerPort"]);
    assert_eq!(port["name"].as_str(), Some("zmtp"));
    assert!(container["readinessProbe"]["tcpSocket"]["port"].as_str().is_some());

    // The pause before the end, the time for requests in flight, and a reserve.
    let pause = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_i64().unwrap();
    let grace = template["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap();
    assert!(pause >= 2 * CACHED && grace >= pause + DRAINING + 5, "{pause} s of {grace} s");

    let strategy = &deployment["spec"]["strategy"]["rollingUpdate"];
    assert_eq!(strategy["maxUnavailable"], Yaml::Integer(0));
}

/// The TTL of the DNS server of Kubernetes, in seconds.
const CACHED: i64 = 5;
/// The time that the example `worker` grants requests in flight, in seconds.
const DRAINING: i64 = 20;
