//! The audit of a socket: each decision about a remote is logged, and passed to the hook.

use std::sync::Arc;

use tracing::info;
use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::mechanism::curve::CurvePublicKey;

use super::SocketState;
use crate::auth::{AuditEvent, AuditOutcome, Mechanism};
use crate::monitor::{Claimant, EventSource, HandshakeFailure};
use crate::quota::{Quotas, within_quota};
use crate::remote::{Origin, Remote};

impl SocketState {
    /// Reports that a remote is admitted.
    pub(super) fn audit_admitted(
        &self,
        remote: &Remote,
        claimant: Option<Claimant>,
        server_key: Option<CurvePublicKey>,
    ) {
        if self.is_audited(remote.endpoint()) {
            let event = self.event(AuditOutcome::Admitted, remote);
            self.audit(&AuditEvent { claimant, server_key, ..event }, remote.quotas());
        }
    }

    /// Reports that the admission of a remote was revoked.
    pub(super) fn audit_revoked(&self, remote: &Remote) {
        if self.is_audited(remote.endpoint()) {
            self.audit(&self.event(AuditOutcome::Revoked, remote), remote.quotas());
        }
    }

    /// Returns an event of a connected remote.
    fn event(&self, outcome: AuditOutcome, remote: &Remote) -> AuditEvent {
        let (endpoint, id) = (remote.endpoint().clone(), remote.connection_id());
        let origin = Origin {
            address: remote.address(),
            credentials: remote.credentials(),
            proxy_address: remote.proxy_address(),
        };
        let user_id = remote.user_id().map(str::to_owned);
        let domain = Arc::clone(&self.options.domain);
        AuditEvent { user_id, ..AuditEvent::new(outcome, domain, endpoint, id, origin) }
    }

    /// Reports that a remote is not admitted.
    pub(super) fn audit_failure(
        &self,
        subject: &EventSource,
        origin: Origin,
        reason: &HandshakeFailure,
        quotas: &Quotas,
    ) {
        let Some(id) = subject.connection_id.filter(|_| self.is_audited(&subject.endpoint)) else {
            return;
        };
        let outcome = AuditOutcome::NotAdmitted { reason: reason.clone() };
        let domain = Arc::clone(&self.options.domain);
        self.audit(&AuditEvent::new(outcome, domain, subject.endpoint.clone(), id, origin), quotas);
    }

    /// Returns whether this socket decides which remotes are admitted through an endpoint.
    fn is_audited(&self, endpoint: &Endpoint) -> bool {
        let has_authenticator = self.options.authenticator.is_some();
        let decides = match self.options.mechanism {
            Mechanism::Null => has_authenticator,
            Mechanism::PlainClient { .. } | Mechanism::CurveClient { .. } => false,
            Mechanism::PlainServer | Mechanism::CurveServer { .. } => true,
        };
        decides && !matches!(endpoint, Endpoint::Inproc(_))
    }

    fn audit(&self, event: &AuditEvent, quotas: &Quotas) {
        log(event, self.options.authenticator.is_some(), quotas);
        if let Some(hook) = &self.options.audit {
            hook.call(event);
        }
    }
}

/// Logs the event, with all its fields: a subscriber may omit the span of the connection.
fn log(event: &AuditEvent, has_authenticator: bool, quotas: &Quotas) {
    macro_rules! fields {
        ($write:ident!($($head:tt)*), $message:literal $(, $field:ident)*) => {
            $write!(
                $($head)*
                $($field,)*
                endpoint = %event.endpoint,
                connection_id = u64::from(event.connection_id),
                remote = event.address.map(display),
                proxy = event.proxy_address.map(display),
                remote_pid = event.process.and_then(|process| process.pid),
                remote_uid = event.process.map(|process| process.uid),
                domain = &*event.domain,
                claimant = event.claimant.as_ref().map(display),
                server_key = event.server_key.map(display),
                user_id = event.user_id.as_deref(),
                $message,
            )
        };
    }
    match &event.outcome {
        AuditOutcome::Admitted if has_authenticator => {
            fields!(info!(target: AUDIT,), "admitted");
        }
        AuditOutcome::Revoked => {
            fields!(info!(target: AUDIT,), "revoked");
        }
        AuditOutcome::Admitted => {
            fields!(within_quota!(quotas.admitted, info, target: AUDIT,), "admitted");
        }
        AuditOutcome::NotAdmitted { reason } => {
            let error = reason as &dyn std::error::Error;
            fields!(
                within_quota!(quotas.not_admitted, info, target: AUDIT,),
                "not admitted",
                error
            );
        }
    }
}

/// The target of audit events.
const AUDIT: &str = "tokio_zmtp::audit";
