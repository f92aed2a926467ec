// Which peer an inner address belongs to: cryptokey routing (whitepaper §2). A path-compressed binary trie for each address
// family; the longest matching prefix wins, and a prefix belongs to one owner at a time.

import { type IpAddress, type IpPrefix, ipPrefix } from '@shadownet/primitives';

interface Node<Owner> {
  /** The prefix's network address, host bits zero. */
  readonly bytes: Uint8Array;
  /** Prefix length in bits. */
  readonly length: number;
  /** `undefined` for a node that only holds its two children together. */
  owner: Owner | undefined;
  parent: Node<Owner> | undefined;
  /** By the first bit behind the prefix. */
  readonly children: [Node<Owner> | undefined, Node<Owner> | undefined];
}

interface Trie<Owner> {
  readonly family: 4 | 6;
  root: Node<Owner> | undefined;
}

/** A node of the trie as others may read it. */
export interface AllowedIpsNode<Owner> {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly owner: Owner | undefined;
  readonly children: readonly [AllowedIpsNode<Owner> | undefined, AllowedIpsNode<Owner> | undefined];
}

export class AllowedIps<Owner> {
  readonly #v4: Trie<Owner> = { family: 4, root: undefined };
  readonly #v6: Trie<Owner> = { family: 6, root: undefined };
  readonly #owned = new Map<Owner, Set<Node<Owner>>>();

  /** Gives a prefix to `owner`, and takes it from whoever had exactly this one. */
  insert(prefix: IpPrefix, owner: Owner): void {
    const trie = this.#trie(prefix.address.family);
    const { address, length } = ipPrefix(prefix.address, prefix.length);
    const node = findOrAddNode(trie, address.bytes, length);
    this.#disown(node);
    node.owner = owner;
    let owned = this.#owned.get(owner);
    if (!owned) this.#owned.set(owner, (owned = new Set()));
    owned.add(node);
  }

  /** Takes a prefix from `owner`; false if it does not have exactly this one. */
  remove(prefix: IpPrefix, owner: Owner): boolean {
    const trie = this.#trie(prefix.address.family);
    const { address, length } = ipPrefix(prefix.address, prefix.length);
    const node = findNode(trie, address.bytes, length);
    if (!node || node.owner !== owner) return false;
    this.#disown(node);
    prune(trie, node);
    return true;
  }

  removeOwner(owner: Owner): void {
    for (const node of this.#owned.get(owner) ?? []) {
      node.owner = undefined;
      prune(this.#trie(node.bytes.length === 4 ? 4 : 6), node);
    }
    this.#owned.delete(owner);
  }

  /** The owner of the address in `bytes` at `offset`, 4 or 16 bytes by family. Allocates nothing. */
  lookup(family: 4 | 6, bytes: Uint8Array, offset: number): Owner | undefined {
    const bits = family === 4 ? 32 : 128;
    let node = family === 4 ? this.#v4.root : this.#v6.root;
    let found: Owner | undefined;
    let matched = 0;
    while (node && sharedBits(node.bytes, 0, bytes, offset, matched, node.length) === node.length) {
      if (node.owner !== undefined) found = node.owner;
      if (node.length === bits) break;
      matched = node.length;
      node = node.children[bitAt(bytes, offset, node.length)];
    }
    return found;
  }

  ownerOf(address: IpAddress): Owner | undefined {
    return this.lookup(address.family, address.bytes, 0);
  }

  /** The prefixes that `owner` has now, in the order it got them. */
  prefixesOf(owner: Owner): IpPrefix[] {
    return [...(this.#owned.get(owner) ?? [])].map(({ bytes, length }) =>
      ipPrefix({ family: bytes.length === 4 ? 4 : 6, bytes }, length),
    );
  }

  /** The top of a family's trie, to be read at once: the next change alters it. */
  rootOf(family: 4 | 6): AllowedIpsNode<Owner> | undefined {
    return this.#trie(family).root;
  }

  get isEmpty(): boolean {
    return this.#v4.root === undefined && this.#v6.root === undefined;
  }

  #trie(family: 4 | 6): Trie<Owner> {
    return family === 4 ? this.#v4 : this.#v6;
  }

  #disown(node: Node<Owner>): void {
    if (node.owner === undefined) return;
    const owned = this.#owned.get(node.owner);
    owned?.delete(node);
    if (owned?.size === 0) this.#owned.delete(node.owner);
    node.owner = undefined;
  }
}

function findNode<Owner>(trie: Trie<Owner>, bytes: Uint8Array, length: number): Node<Owner> | undefined {
  let node = trie.root;
  while (node && node.length < length) node = node.children[bitAt(bytes, 0, node.length)];
  return node?.length === length && sharedBits(node.bytes, 0, bytes, 0, 0, length) === length ? node : undefined;
}

function findOrAddNode<Owner>(trie: Trie<Owner>, bytes: Uint8Array, length: number): Node<Owner> {
  let parent: Node<Owner> | undefined;
  let node = trie.root;
  while (node && node.length < length && sharedBits(node.bytes, 0, bytes, 0, 0, node.length) === node.length) {
    parent = node;
    node = node.children[bitAt(bytes, 0, node.length)];
  }
  const added = newNode<Owner>(bytes, length);
  if (!node) {
    attach(trie, parent, added);
    return added;
  }
  const shared = sharedBits(node.bytes, 0, bytes, 0, 0, Math.min(node.length, length));
  if (shared === length) {
    if (node.length === length) return node;
    // The new prefix holds the one that is here.
    attach(trie, parent, added);
    attach(trie, added, node);
    return added;
  }
  // They part ways behind `shared` bits: a node without owner takes both.
  const fork = newNode<Owner>(ipPrefix({ family: trie.family, bytes }, shared).address.bytes, shared);
  attach(trie, parent, fork);
  attach(trie, fork, node);
  attach(trie, fork, added);
  return added;
}

/** Removes a node without owner if it holds no two children together, and then its parent if that is true of it as well. */
function prune<Owner>(trie: Trie<Owner>, node: Node<Owner>): void {
  let candidate: Node<Owner> | undefined = node;
  while (candidate && candidate.owner === undefined) {
    const [zero, one]: Node<Owner>['children'] = candidate.children;
    if (zero && one) return;
    const parent: Node<Owner> | undefined = candidate.parent;
    const child = zero ?? one;
    if (child) attach(trie, parent, child);
    else if (parent) parent.children[bitAt(candidate.bytes, 0, parent.length)] = undefined;
    else trie.root = undefined;
    candidate = parent;
  }
}

function attach<Owner>(trie: Trie<Owner>, parent: Node<Owner> | undefined, child: Node<Owner>): void {
  child.parent = parent;
  if (parent) parent.children[bitAt(child.bytes, 0, parent.length)] = child;
  else trie.root = child;
}

function newNode<Owner>(bytes: Uint8Array, length: number): Node<Owner> {
  return { bytes, length, owner: undefined, parent: undefined, children: [undefined, undefined] };
}

function bitAt(bytes: Uint8Array, offset: number, bit: number): 0 | 1 {
  return ((bytes[offset + (bit >> 3)]! >> (7 - (bit & 7))) & 1) as 0 | 1;
}

/** How many leading bits are equal, at most `limit`, when the first `known` are equal for sure. */
function sharedBits(
  a: Uint8Array,
  aOffset: number,
  b: Uint8Array,
  bOffset: number,
  known: number,
  limit: number,
): number {
  for (let i = known >> 3; i * 8 < limit; i++) {
    const difference = a[aOffset + i]! ^ b[bOffset + i]!;
    if (difference !== 0) return Math.min(limit, i * 8 + Math.clz32(difference) - 24);
  }
  return limit;
}
