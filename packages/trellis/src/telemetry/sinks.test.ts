import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVirtualRuntime, type VirtualRuntime } from '../testing/index.ts'
import { fileSink } from './file-sink.ts'
import { spanFile } from './span-file.ts'
import { stdoutSink, type TextStream } from './stdout-sink.ts'

const PATH = '/logs/orders/service.log'

async function contents(runtime: VirtualRuntime, path = PATH): Promise<string> {
  return new TextDecoder().decode(await runtime.fs.read(path))
}

async function close(sink: AsyncDisposable): Promise<void> {
  await sink[Symbol.asyncDispose]()
}

test('a file sink makes its folder and appends the lines of a turn with one write', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  let appends = 0
  const open = runtime.fs.open.bind(runtime.fs)
  runtime.fs.open = async path => {
    const file = await open(path)
    return {
      ...file,
      append: text => {
        appends++
        return file.append(text)
      },
      [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    }
  }
  const sink = fileSink(runtime, PATH)
  sink.write('one\n')
  sink.write('two\n')
  await runtime.settle()
  assert.equal(await runtime.run(contents(runtime)), 'one\ntwo\n')
  assert.equal(appends, 1)
})

test('disposing writes what waits, and later lines are counted as dropped', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = fileSink(runtime, PATH)
  sink.write('last words\n')
  await runtime.run(close(sink))
  assert.equal(await runtime.run(contents(runtime)), 'last words\n')
  sink.write('too late\n')
  assert.equal(sink.dropped, 1)
  await sink[Symbol.asyncDispose]()
})

test('lines that a full disk refuses are counted, and the log says so when the disk is back', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = fileSink(runtime, PATH)
  const mend = runtime.fs.trouble({ operation: 'append', code: 'ENOSPC' })
  sink.write('lost\n')
  sink.write('lost too\n')
  await runtime.settle()
  assert.equal(sink.dropped, 2)
  mend()
  sink.write('kept\n')
  await runtime.advance(1_000)
  const [notice, kept] = (await runtime.run(contents(runtime))).split('\n')
  assert.deepEqual(JSON.parse(notice as string), {
    time: '2026-01-01T00:00:01.000Z',
    level: 'warn',
    message: '2 log line(s) were dropped: the log could not be written',
    fields: { dropped: 2 },
  })
  assert.equal(kept, 'kept')
})

test('a failing medium is left alone for a second, and each loss is told once', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  let attempts = 0
  runtime.fs.makeFolder = async () => {
    attempts++
    throw new Error('no disk')
  }
  const sink = fileSink(runtime, PATH)
  for (let line = 0; line < 9; line++) {
    sink.write('x\n')
    await runtime.advance(100)
  }
  assert.equal(attempts, 1)
  await runtime.advance(1_000)
  assert.equal(attempts, 2)
  assert.equal(sink.dropped, 9)
})

test('when more waits than the buffer holds, further lines are dropped and counted', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = fileSink(runtime, PATH, { maxPending: 10 })
  runtime.fs.trouble({ operation: 'append', delayMs: 50, times: 1 })
  for (let line = 0; line < 5; line++) sink.write('1234\n')
  assert.equal(sink.dropped, 3)
  await runtime.run(sink.flush())
  sink.write('next\n')
  await runtime.run(sink.flush())
  assert.match(await runtime.run(contents(runtime)), /^\{.*"dropped":3\}\}\n1234\n1234\nnext\n$/)
})

test('flush resolves although the medium fails', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  runtime.fs.trouble({ operation: 'open', code: 'EROFS' })
  const sink = fileSink(runtime, PATH)
  sink.write('x\n')
  await runtime.run(sink.flush())
  assert.equal(sink.dropped, 1)
})

function stream(fails: () => boolean): TextStream & { text: string; listeners: number } {
  return {
    text: '',
    listeners: 0,
    write(text, done) {
      if (!fails()) this.text += text
      done?.(fails() ? new Error('EPIPE') : null)
      return true
    },
    on() {
      this.listeners++
    },
    off() {
      this.listeners--
    },
  }
}

test('standard output gets a turn at a time, and loses its listeners with the sink', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const out = stream(() => false)
  const exits = process.listenerCount('exit')
  const sink = stdoutSink(runtime, { stream: out })
  sink.write('a\n')
  assert.equal(out.text, '')
  await runtime.settle()
  assert.equal(out.text, 'a\n')
  sink.write('b\n')
  process.emit('exit', 0)
  assert.equal(out.text, 'a\nb\n')
  await runtime.run(close(sink))
  assert.equal(out.listeners, 0)
  assert.equal(process.listenerCount('exit'), exits)
})

test('a closed pipe costs lines and not the process', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  let broken = true
  const out = stream(() => broken)
  const sink = stdoutSink(runtime, { stream: out, format: 'pretty' })
  sink.write('a\n')
  await runtime.settle()
  assert.equal(sink.dropped, 1)
  broken = false
  sink.write('b\n')
  await runtime.run(sink.flush())
  assert.equal(out.text, '00:00:00.000 WARN  1 log line(s) were dropped: the log could not be written\nb\n')
  await runtime.run(close(sink))
})

test('a span file holds one JSON object a line', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const spans = spanFile(runtime, '/spans.jsonl')
  const span = {
    name: 'a/b',
    kind: 'server' as const,
    traceId: 't',
    spanId: 's',
    parentSpanId: undefined,
    startMs: 1,
    endMs: 2.5,
    fields: { operation: 'b' },
    failure: undefined,
  }
  spans.record(span)
  await runtime.run(close(spans))
  const lines = (await runtime.run(contents(runtime, '/spans.jsonl'))).split('\n')
  assert.deepEqual(
    lines.map(line => line && JSON.parse(line)),
    [
      { name: 'a/b', kind: 'server', traceId: 't', spanId: 's', startMs: 1, endMs: 2.5, fields: { operation: 'b' } },
      '',
    ],
  )
})
