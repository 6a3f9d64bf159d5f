//! Files of certificates and keys for other programs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

use super::certificates::Certificate;

/// A file that another program reads, until this is dropped.
pub(crate) struct PemFile(PathBuf);

impl PemFile {
    pub(crate) fn new(name: &str, Certificate { pem, key, .. }: &Certificate) -> Self {
        Self::of_text(name, &format!("{pem}{key}"))
    }

    pub(crate) fn of_text(name: &str, text: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tokio-zmtp-{}-{name}-{number}.pem", process::id());
        let path = env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn display(&self) -> std::path::Display<'_> {
        Path::display(&self.0)
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
