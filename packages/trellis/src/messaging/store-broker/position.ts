/**
 * Where a message stands. A topic has 16 partitions; partition p of topic t is slot `16 t + p`; messages of a slot are numbered 1, 2, 3 … without
 * gaps. Slot and offset together are one integer, which is the primary key of the messages: one B-tree, read and trimmed by ranges.
 */

/** Partitions of a topic: fixed, because changing the number would send a key elsewhere and break its order. */
export const PARTITIONS = 16

/** Offsets per slot: at 1,000 messages a second in one partition enough for 8 years; leaves 2^15 slots, 2,048 topics, below 2^53. */
export const OFFSETS: number = 2 ** 38

/** Most topics of one broker. */
export const MAX_TOPICS = 2_048

/** The key of a message. */
export function positionOf(slot: number, offset: number): number {
  return slot * OFFSETS + offset
}

/** The slot of a key. */
export function slotOf(position: number): number {
  return Math.floor(position / OFFSETS)
}

/** The offset of a key. */
export function offsetOf(position: number): number {
  return position % OFFSETS
}

/** The topic's number of a slot. */
export function topicOf(slot: number): number {
  return Math.floor(slot / PARTITIONS)
}

/** The partition of an order key: FNV-1a over its UTF-16 units. Part of the stored format; never to be changed. */
export function partitionOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return ((hash >>> 16) ^ hash) & (PARTITIONS - 1)
}
