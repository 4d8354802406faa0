import type { Migration } from '../../store/index.ts'

/**
 * The tables of the broker. What is done per message is one insert into `broker_message` and one delete when it is trimmed; the rest is per partition
 * and batch, or belongs to failures.
 *
 * - `broker_partition.head`: offset of the last message of a slot, given out inside the publishing transaction, so that offsets appear in order and
 *   without gaps to every reader.
 * - `broker_lease`: a group's place on a slot. Everything up to `settled_to` is settled but the offsets in `open_offsets`. Who writes it must be the `owner`
 *   with the `epoch`. `crash_offset` and `crashes`: which message stood first when the owner died, and how often.
 * - `broker_waiting`: messages that wait for their retry, and those held back behind them; settled as far as the lease is concerned.
 * - `broker_delayed`: messages that are not in their slot yet.
 * - `broker_consumer`: who is alive. `broker_topology.version` changes whenever partitions may have become free.
 */
export const brokerMigrations: readonly Migration[] = [
  {
    name: '001-broker',
    statements: ({ types: { key, text, integer, serial } }) => [
      `create table broker_topic (name ${key} primary key, id ${integer} not null unique, kind ${key} not null)`,
      `create table broker_partition (slot ${integer} primary key, topic ${integer} not null, head ${integer} not null)`,
      `create index broker_partition_topic on broker_partition (topic)`,
      `create table broker_message (
        position ${integer} primary key, id ${text} not null, source ${text} not null, sent_at ${integer} not null, order_key ${text},
        body ${text} not null, attributes ${text} not null, only_group ${text}, stored_at ${integer} not null)`,
      `create table broker_delayed (
        number ${serial}, due ${integer} not null, slot ${integer} not null, id ${text} not null, source ${text} not null,
        sent_at ${integer} not null, order_key ${text}, body ${text} not null, attributes ${text} not null)`,
      `create index broker_delayed_due on broker_delayed (due)`,
      `create table broker_lease (
        group_name ${key} not null, slot ${integer} not null, owner ${key}, epoch ${integer} not null, settled_to ${integer} not null,
        open_offsets ${text} not null, crash_offset ${integer} not null, crashes ${integer} not null, primary key (group_name, slot))`,
      `create index broker_lease_slot on broker_lease (slot)`,
      `create table broker_waiting (
        group_name ${key} not null, slot ${integer} not null, message_offset ${integer} not null, order_key ${text}, attempts ${integer} not null,
        due ${integer} not null, history ${text} not null, primary key (group_name, slot, message_offset))`,
      `create index broker_waiting_slot on broker_waiting (slot, message_offset)`,
      `create table broker_dead (
        number ${serial}, group_name ${key} not null, slot ${integer} not null, message_offset ${integer} not null, topic ${key} not null,
        dead_at ${integer} not null, message ${text} not null, cause ${text} not null, history ${text} not null,
        unique (group_name, slot, message_offset))`,
      `create table broker_consumer (
        consumer ${key} not null, member ${key} not null, group_name ${key} not null, topic ${integer} not null, expires ${integer} not null,
        primary key (consumer, topic))`,
      `create index broker_consumer_group on broker_consumer (group_name, topic)`,
      `create index broker_consumer_member on broker_consumer (member)`,
      `create table broker_topology (id ${integer} primary key, version ${integer} not null)`,
      'insert into broker_topology (id, version) values (1, 0)',
    ],
  },
]
