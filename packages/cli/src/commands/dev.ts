import { createRuntime, Fault } from 'trellis/kernel'
import type { Part, RunningSystem, System } from 'trellis/system'
import { runSystem } from 'trellis/system'
import type { CommandDefinition } from '../command.ts'
import { command } from '../command.ts'
import { dataFolder, resetData } from '../data-folder.ts'
import { EXIT } from '../exit-code.ts'
import { inspect } from '../findings.ts'
import { firstInterrupt, INTERRUPTED } from '../interrupts.ts'
import { loadSystem } from '../load-system.ts'
import { NoticeBoard } from '../notice-board.ts'
import { startScreen, urlOf } from '../start-screen.ts'
import { print, printJson, tell } from '../terminal.ts'
import { wholeNumber } from '../usage.ts'

/** `trellis dev` */
export const dev: CommandDefinition = command({
  operands: '[SYSTEM]',
  operandCount: [0, 1],
  about: [
    'All services run in this one process, on engines that need nothing installed; with --split each service and the gateway have a process of their own, which is started again when it ends. What was committed survives kill -9 in both.',
    'A system with an error in its architecture (trellis check) is not started.',
  ],
  options: {
    split: { type: 'boolean', about: 'each service in a process of its own' },
    port: { type: 'string', value: 'PORT', about: 'where the gateway listens (8080; 0 takes a free one)' },
    host: { type: 'string', value: 'HOST', about: 'the address that it listens on (127.0.0.1: this machine alone)' },
    data: {
      type: 'string',
      value: 'DIR',
      about: 'folder of data and logs (.trellis/NAME, with the name of the system)',
    },
    reset: { type: 'boolean', about: 'removes the data of earlier runs first' },
    quiet: { type: 'boolean', about: 'prints warnings and new passwords only' },
    json: {
      type: 'boolean',
      about:
        'in place of the screen one line of JSON once it is ready: { system, url, folder, pid, processes, notices }',
    },
  },
  examples: [
    { line: 'trellis dev', about: 'runs the system in system.ts at http://127.0.0.1:8080' },
    { line: 'trellis dev examples/shop/system.ts --split', about: 'each of its services in a process of its own' },
    {
      line: 'trellis dev --port 0 --data /tmp/trial --reset',
      about: 'from scratch, on a free port, with data elsewhere',
    },
  ],
  async run({ values, operands: [file] }) {
    const { quiet = false, json = false, split = false } = values
    const listen = { host: values.host ?? '127.0.0.1', port: wholeNumber('port', values.port ?? '8080', 0, 65_535) }
    const { system, path } = await loadSystem(file)
    refuseErrors(system)
    const folder = dataFolder(system, values.data)
    if (values.reset === true) await resetData(createRuntime(), folder)
    let running: RunningSystem | undefined
    const interrupted = firstInterrupt(() => stopAtOnce(running))
    const notices = new NoticeBoard({ quiet })
    running = await runSystem({
      system,
      folder,
      listen,
      split,
      environment: process.env,
      command: part => [
        ...process.execArgv,
        process.argv[1] as string,
        'start',
        path,
        '--data',
        folder,
        ...partFlags(part),
      ],
      notice: notice => notices.hear(notice),
    })
    announce({ system, running, folder, notices: notices.take() }, { quiet, json })
    await interrupted
    if (!quiet && !json) tell('Stopping: finishes what is in hand.')
    await running.stop()
    return EXIT.ok
  },
})

function announce(screen: Parameters<typeof startScreen>[0], { quiet, json }: { quiet: boolean; json: boolean }): void {
  const { system, running, folder, notices } = screen
  if (json) {
    const processes = running.processes.map(({ name, pid }) => ({ name, pid }))
    printJson({ system: system.name, url: urlOf(running), folder, pid: process.pid, processes, notices })
  } else if (quiet) for (const { service, text } of notices) print(`${service}: ${text}`)
  else for (const line of startScreen(screen)) print(line)
}

function refuseErrors(system: System): void {
  const { lines, errors } = inspect(system)
  for (const line of lines) tell(line)
  if (errors === 0) return
  throw new Fault('failed_precondition', `${system.name} is not started: mend the errors above.`, {
    reason: 'ARCHITECTURE_BROKEN',
  })
}

function partFlags(part: Part): readonly string[] {
  if (part.kind === 'service') return ['--service', part.name]
  return ['--gateway', '--host', part.listen.host, '--port', String(part.listen.port)]
}

/** Nobody waits any longer: what runs is killed, as a crash would, and loses nothing that was committed. */
function stopAtOnce(running: RunningSystem | undefined): void {
  for (const { pid } of running?.processes ?? []) if (pid !== undefined) process.kill(pid, 'SIGKILL')
  process.exit(INTERRUPTED)
}
