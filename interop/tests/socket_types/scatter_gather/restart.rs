//! Traffic continues after the side that binds has restarted.

use support::transports::Transport;
use tokio::time;

use super::side::{GatherSide, ScatterSide, from_scatter_to_gather};
use crate::pairing::{POLL_INTERVAL, own_endpoint};

from_scatter_to_gather!(a_scatter_that_connects_outlives_its_gather);

async fn a_scatter_that_connects_outlives_its_gather<S: ScatterSide, G: GatherSide>(
    transport: Transport,
) {
    let scatter = S::new();
    let gather = G::new();
    let endpoint = gather.bind(&own_endpoint(transport)).await;
    scatter.connect(&endpoint).await;
    scatter.send(b"before").await;
    gather.expect(b"before").await;
    drop(gather);

    let gather = G::new();
    gather.bind(&endpoint).await;
    // Messages that are written to the ended connection are lost.
    let sending = async {
        loop {
            scatter.send(b"after").await;
            time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::select! {
        () = sending => {}
        () = gather.expect(b"after") => {}
    }
}

from_scatter_to_gather!(a_gather_that_connects_outlives_its_scatter);

async fn a_gather_that_connects_outlives_its_scatter<S: ScatterSide, G: GatherSide>(
    transport: Transport,
) {
    let gather = G::new();
    let mut scatter = S::new();
    let endpoint = scatter.bind(&own_endpoint(transport)).await;
    gather.connect(&endpoint).await;
    for round in 0..3 {
        scatter.send(&[round]).await;
        gather.expect(&[round]).await;
        drop(scatter);
        scatter = S::new();
        scatter.bind(&endpoint).await;
    }
}
