import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

test('values are rendered in the Prometheus text format', () => {
  const metrics = createMetrics()
  metrics.counter('shop_orders_total', 'Orders placed.\nBack\\slash.').add(2)
  metrics.gauge('shop_queue_length', 'Messages that wait.').set(-1.5, { topic: 'a' })
  metrics.histogram('shop_wait_seconds', 'Waiting.', [0.1, 1]).observe(0.5, { method: 'card' })
  assert.equal(
    metrics.render(),
    [
      '# HELP shop_orders_total Orders placed.\\nBack\\\\slash.',
      '# TYPE shop_orders_total counter',
      'shop_orders_total 2',
      '# HELP shop_queue_length Messages that wait.',
      '# TYPE shop_queue_length gauge',
      'shop_queue_length{topic="a"} -1.5',
      '# HELP shop_wait_seconds Waiting.',
      '# TYPE shop_wait_seconds histogram',
      'shop_wait_seconds_bucket{method="card",le="0.1"} 0',
      'shop_wait_seconds_bucket{method="card",le="1"} 1',
      'shop_wait_seconds_bucket{method="card",le="+Inf"} 1',
      'shop_wait_seconds_sum{method="card"} 0.5',
      'shop_wait_seconds_count{method="card"} 1',
      '',
    ].join('\n'),
  )
})

test('an instrument that nobody used is not rendered', () => {
  const metrics = createMetrics()
  metrics.counter('a_total', 'A.')
  assert.equal(metrics.render(), '')
})

test('asking twice gives the same instrument, and the same labels in any order the same series', () => {
  const metrics = createMetrics()
  metrics.counter('a_total', 'A.').add(1, { x: '1', y: '2' })
  metrics.counter('a_total', 'A.').add(1, { y: '2', x: '1' })
  metrics.counter('a_total', 'A.').with({ y: '2', x: '1' }).add(1)
  assert.match(metrics.render(), /^a_total\{x="1",y="2"\} 3$/m)
})

test('label values are escaped, so that none can forge a series', () => {
  const metrics = createMetrics()
  metrics.gauge('a', 'A.').set(1, { path: 'x"} 9\na{path="\\' })
  assert.match(metrics.render(), /^a\{path="x\\"\} 9\\na\{path=\\"\\\\"\} 1$/m)
})

test('a value on a bucket bound belongs to that bucket', () => {
  const metrics = createMetrics()
  const waits = metrics.histogram('a_seconds', 'A.', [1, 2]).with({})
  for (const value of [1, 2, 2.1]) waits.observe(value)
  assert.match(metrics.render(), /le="1"\} 1\n.*le="2"\} 2\n.*le="\+Inf"\} 3\na_seconds_sum 5.1\na_seconds_count 3/)
})

test('followed values are read when rendered, until they are removed; one that throws is NaN', () => {
  const metrics = createMetrics()
  let size = 1
  const remove = metrics.gauge('a_size', 'A.').follow(() => size)
  size = 7
  assert.match(metrics.render(), /^a_size 7$/m)
  remove()
  assert.doesNotMatch(metrics.render(), /a_size/)
  metrics.counter('b_total', 'B.').follow(
    () => {
      throw new Error('no')
    },
    { part: 'x' },
  )
  assert.match(metrics.render(), /^b_total\{part="x"\} NaN$/m)
})

test('a gauge moves up and down', () => {
  const metrics = createMetrics()
  const open = metrics.gauge('a_open', 'A.').with({ port: '1' })
  open.move(3)
  open.move(-1)
  assert.match(metrics.render(), /^a_open\{port="1"\} 2$/m)
})

test('label sets beyond 1,000 share one series, and are counted', () => {
  const metrics = createMetrics()
  const hits = metrics.counter('a_total', 'A.')
  for (let user = 0; user < 1_500; user++) hits.add(1, { user: String(user), shard: '1' })
  hits.add(1, { user: '3', shard: '1' })
  const text = metrics.render()
  assert.equal(text.match(/^a_total\{/gm)?.length, 1_001)
  assert.match(text, /^a_total\{shard="other",user="other"\} 500$/m)
  assert.match(text, /^a_total\{shard="1",user="3"\} 2$/m)
  assert.match(text, /^trellis_metrics_rejected_total\{instrument="a_total",reason="label_limit"\} 500$/m)
})

test('values that can not be counted are ignored and counted as such', () => {
  const metrics = createMetrics()
  const total = metrics.counter('a_total', 'A.')
  for (const value of [1, -1, Number.NaN, Number.POSITIVE_INFINITY]) total.add(value)
  metrics.histogram('b_seconds', 'B.').observe(Number.NaN)
  const text = metrics.render()
  assert.match(text, /^a_total 1$/m)
  assert.match(text, /instrument="a_total",reason="invalid_value"\} 3/)
  assert.match(text, /instrument="b_seconds",reason="invalid_value"\} 1/)
})

test('names that Prometheus would refuse or misread are refused where they are made', () => {
  const metrics = createMetrics()
  assert.throws(() => metrics.counter('a', 'A.'), /ends in _total/)
  assert.throws(() => metrics.gauge('a_total', 'A.'), /only counters/)
  assert.throws(() => metrics.gauge('a_count', 'A.'), /belong to histograms/)
  assert.throws(() => metrics.gauge('1a', 'A.'), /Metric name "1a"/)
  assert.throws(() => metrics.gauge('a b', 'A.'), TypeError)
  assert.throws(() => metrics.gauge('a', ' '), /say in one sentence/)
  assert.throws(() => metrics.gauge('a', 'A.').set(1, { 'a-b': 'x' }), /Label "a-b"/)
  assert.throws(() => metrics.gauge('a', 'A.').set(1, { __name__: 'x' }), TypeError)
  assert.throws(() => metrics.histogram('h', 'H.').observe(1, { le: 'x' }), TypeError)
})

test('one name can not be two things', () => {
  const metrics = createMetrics()
  metrics.gauge('a', 'A.')
  assert.throws(() => metrics.histogram('a', 'A.'), /is a gauge/)
  metrics.histogram('h', 'H.', [1])
  assert.throws(() => metrics.histogram('h', 'H.', [2]), /other buckets: 1/)
  assert.throws(() => metrics.histogram('i', 'I.', [2, 1]), /ascending/)
  assert.throws(() => metrics.histogram('i', 'I.', []), RangeError)
})
