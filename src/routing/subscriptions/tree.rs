//! A radix tree of topics.

use std::ops::ControlFlow;

use super::children::Children;
use super::holders::{Holder, Holders};
use super::slab::Slab;

/// A radix tree of topics: an edge holds all bytes up to the next topic or branch.
///
/// Every node except the root has holders or at least two children, so that there are at most twice
/// as many other nodes as topics. A node knows its parent. No operation is recursive, because
/// remotes decide how deep the tree is.
#[derive(Debug)]
pub(super) struct TopicTree {
    nodes: Slab<Node>,
}

#[derive(Debug)]
struct Node {
    /// The bytes between its parent and this node.
    edge: Box<[u8]>,
    parent: u32,
    /// The length of its topic: the sum of all edges that lead to it.
    topic_len: u32,
    holders: Holders,
    children: Children,
}

impl TopicTree {
    /// Returns the node of a topic.
    pub(super) fn find(&self, topic: &[u8]) -> Option<u32> {
        let (mut at, mut rest) = (ROOT, topic);
        while let Some(byte) = rest.first() {
            at = self.nodes[at].children.get(*byte)?;
            rest = self.nodes[at].behind_edge(rest)?;
        }
        Some(at)
    }

    /// Returns the node of a topic, which is added if it does not exist. A new node needs a holder.
    pub(super) fn insert(&mut self, topic: &[u8]) -> u32 {
        let (mut at, mut rest) = (ROOT, topic);
        while let Some(byte) = rest.first() {
            let Some(child) = self.nodes[at].children.get(*byte) else {
                let topic_len = u32::try_from(topic.len()).unwrap_or(u32::MAX);
                return self.add_child(at, rest, topic_len);
            };
            if let Some(behind) = self.nodes[child].behind_edge(rest) {
                (at, rest) = (child, behind);
            } else {
                let edge = &self.nodes[child].edge;
                let common = edge.iter().zip(rest).take_while(|(a, b)| a == b).count();
                (at, rest) = (self.split(child, common), &rest[common..]);
            }
        }
        at
    }

    /// Passes the holders of each topic that is a prefix of `first_part` to a function, until that
    /// breaks.
    #[inline]
    pub(super) fn visit(
        &self,
        first_part: &[u8],
        mut handle: impl FnMut(&[Holder]) -> ControlFlow<()>,
    ) {
        let (mut node, mut rest) = (&self.nodes[ROOT], first_part);
        loop {
            if !node.holders.is_empty() && handle(node.holders.as_slice()).is_break() {
                return;
            }
            let Some(child) = rest.first().and_then(|byte| node.children.get(*byte)) else {
                return;
            };
            node = &self.nodes[child];
            let Some(behind) = node.behind_edge(rest) else { return };
            rest = behind;
        }
    }

    pub(super) fn holders(&self, node: u32) -> &Holders {
        &self.nodes[node].holders
    }

    pub(super) fn holders_mut(&mut self, node: u32) -> &mut Holders {
        &mut self.nodes[node].holders
    }

    /// Returns a node's topic.
    pub(super) fn topic(&self, node: u32) -> Vec<u8> {
        let mut topic = vec![0; self.topic_len(node)];
        let (mut at, mut end) = (node, topic.len());
        while end > 0 {
            let Node { edge, parent, .. } = &self.nodes[at];
            let start = end - edge.len();
            topic[start..end].copy_from_slice(edge);
            (at, end) = (*parent, start);
        }
        topic
    }

    /// Returns the length of a node's topic.
    pub(super) fn topic_len(&self, node: u32) -> usize {
        self.nodes[node].topic_len as usize
    }

    /// Returns the number of nodes, with the root.
    pub(super) const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Removes a node that has lost its last holder, unless it is a branch. Returns the number of
    /// bytes that were moved.
    pub(super) fn prune(&mut self, id: u32) -> usize {
        if id == ROOT || !self.nodes[id].holders.is_empty() {
            return 0;
        }
        if !self.nodes[id].children.is_empty() {
            return self.merge(id);
        }
        let Node { edge, parent, .. } = self.nodes.remove(id);
        self.nodes[parent].children.remove(edge[0]);
        self.merge(parent)
    }

    fn add_child(&mut self, parent: u32, edge: &[u8], topic_len: u32) -> u32 {
        let child = self.nodes.insert(Node {
            edge: edge.into(),
            parent,
            topic_len,
            holders: Holders::None,
            children: Children::None,
        });
        self.nodes[parent].children.insert(edge[0], child);
        child
    }

    /// Splits the edge to a node in two, and returns the new node between them.
    fn split(&mut self, id: u32, at: usize) -> u32 {
        let Node { edge, parent, topic_len, .. } = &mut self.nodes[id];
        let (parent, topic_len) = (*parent, *topic_len - (edge.len() - at) as u32);
        let (head, tail): (Box<[u8]>, Box<[u8]>) = (edge[..at].into(), edge[at..].into());
        let between = self.add_child(parent, &head, topic_len);
        self.nodes[between].children.insert(tail[0], id);
        let node = &mut self.nodes[id];
        (node.edge, node.parent) = (tail, between);
        between
    }

    /// Joins a node with its only child if it has no holders. Returns the number of bytes that were
    /// moved.
    fn merge(&mut self, id: u32) -> usize {
        let node = &self.nodes[id];
        let Some(child) = node.children.only() else { return 0 };
        if id == ROOT || !node.holders.is_empty() {
            return 0;
        }
        let Node { edge: head, parent, .. } = self.nodes.remove(id);
        self.nodes[parent].children.insert(head[0], child);
        let node = &mut self.nodes[child];
        node.edge = [&*head, &*node.edge].concat().into();
        node.parent = parent;
        node.edge.len()
    }
}

impl Node {
    /// Returns what follows the edge in `rest`, whose first byte is that of the edge.
    #[inline]
    fn behind_edge<'a>(&self, rest: &'a [u8]) -> Option<&'a [u8]> {
        // The usual edge between branches. Its byte is in memory that is rarely in the cache.
        if self.edge.len() == 1 { rest.get(1..) } else { rest.strip_prefix(&*self.edge) }
    }
}

impl Default for TopicTree {
    fn default() -> Self {
        let root = Node {
            edge: Box::default(),
            parent: ROOT,
            topic_len: 0,
            holders: Holders::None,
            children: Children::None,
        };
        let mut nodes = Slab::default();
        let id = nodes.insert(root);
        debug_assert_eq!(id, ROOT);
        Self { nodes }
    }
}

/// The node of the empty topic, which always exists. It has the first id.
const ROOT: u32 = u32::MIN;
