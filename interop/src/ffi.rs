//! The part of `zmq.h` that this crate uses.

use std::ffi::{c_char, c_int, c_void};
#[cfg(unix)]
use std::ffi::{c_long, c_short};
#[cfg(unix)]
use std::os::fd::RawFd;

/// A message. Its size is part of libzmq's stable interface.
#[repr(C)]
#[cfg_attr(target_pointer_width = "64", repr(align(8)))]
#[cfg_attr(target_pointer_width = "32", repr(align(4)))]
pub(crate) struct ZmqMsg {
    _private: [u8; 64],
}

/// `zmq_pollitem_t`: a socket, or a file if `socket` is null.
#[cfg(unix)]
#[repr(C)]
pub(crate) struct ZmqPollItem {
    pub(crate) socket: *mut c_void,
    pub(crate) fd: RawFd,
    pub(crate) events: c_short,
    pub(crate) revents: c_short,
}

pub(crate) const ZMQ_BLOCKY: c_int = 70;
pub(crate) const ZMQ_DONTWAIT: c_int = 1;
pub(crate) const ZMQ_EVENT_ALL: c_int = 0xffff;
#[cfg(unix)]
pub(crate) const ZMQ_POLLIN: c_short = 1;
pub(crate) const ZMQ_SNDMORE: c_int = 2;

unsafe extern "C" {
    pub(crate) fn zmq_errno() -> c_int;
    pub(crate) fn zmq_strerror(errnum: c_int) -> *const c_char;
    pub(crate) fn zmq_version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int);

    pub(crate) fn zmq_ctx_new() -> *mut c_void;
    pub(crate) fn zmq_ctx_set(context: *mut c_void, option: c_int, value: c_int) -> c_int;
    pub(crate) fn zmq_ctx_shutdown(context: *mut c_void) -> c_int;
    pub(crate) fn zmq_ctx_term(context: *mut c_void) -> c_int;

    pub(crate) fn zmq_msg_init(msg: *mut ZmqMsg) -> c_int;
    pub(crate) fn zmq_msg_init_size(msg: *mut ZmqMsg, size: usize) -> c_int;
    pub(crate) fn zmq_msg_close(msg: *mut ZmqMsg) -> c_int;
    pub(crate) fn zmq_msg_more(msg: *const ZmqMsg) -> c_int;
    pub(crate) fn zmq_msg_data(msg: *mut ZmqMsg) -> *mut c_void;
    pub(crate) fn zmq_msg_size(msg: *const ZmqMsg) -> usize;
    pub(crate) fn zmq_msg_recv(msg: *mut ZmqMsg, socket: *mut c_void, flags: c_int) -> c_int;
    pub(crate) fn zmq_msg_send(msg: *mut ZmqMsg, socket: *mut c_void, flags: c_int) -> c_int;
    pub(crate) fn zmq_msg_gets(msg: *const ZmqMsg, property: *const c_char) -> *const c_char;
    pub(crate) fn zmq_msg_routing_id(msg: *mut ZmqMsg) -> u32;
    pub(crate) fn zmq_msg_set_routing_id(msg: *mut ZmqMsg, routing_id: u32) -> c_int;

    pub(crate) fn zmq_join(socket: *mut c_void, group: *const c_char) -> c_int;
    pub(crate) fn zmq_leave(socket: *mut c_void, group: *const c_char) -> c_int;
    pub(crate) fn zmq_msg_group(msg: *mut ZmqMsg) -> *const c_char;
    pub(crate) fn zmq_msg_set_group(msg: *mut ZmqMsg, group: *const c_char) -> c_int;

    pub(crate) fn zmq_socket(context: *mut c_void, socket_type: c_int) -> *mut c_void;
    pub(crate) fn zmq_close(socket: *mut c_void) -> c_int;
    pub(crate) fn zmq_bind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub(crate) fn zmq_connect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub(crate) fn zmq_connect_peer(socket: *mut c_void, endpoint: *const c_char) -> u32;
    pub(crate) fn zmq_disconnect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub(crate) fn zmq_unbind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub(crate) fn zmq_getsockopt(
        socket: *mut c_void,
        option: c_int,
        value: *mut c_void,
        size: *mut usize,
    ) -> c_int;
    pub(crate) fn zmq_setsockopt(
        socket: *mut c_void,
        option: c_int,
        value: *const c_void,
        size: usize,
    ) -> c_int;
    #[cfg(unix)]
    pub(crate) fn zmq_poll(items: *mut ZmqPollItem, count: c_int, timeout: c_long) -> c_int;
    pub(crate) fn zmq_proxy(
        frontend: *mut c_void,
        backend: *mut c_void,
        capture: *mut c_void,
    ) -> c_int;
    pub(crate) fn zmq_socket_monitor(
        socket: *mut c_void,
        endpoint: *const c_char,
        events: c_int,
    ) -> c_int;
}
