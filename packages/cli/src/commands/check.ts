import type { CommandDefinition } from '../command.ts'
import { command } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { inspect } from '../findings.ts'
import { loadSystem } from '../load-system.ts'
import { print, printJson } from '../terminal.ts'

/** `trellis check` */
export const check: CommandDefinition = command({
  operands: '[SYSTEM]',
  operandCount: [0, 1],
  about: [
    'Refuses two owners of one datum, two providers of one contract, a use of an unknown contract, a circle of calls, an event that is waited for and never published, a message that nobody handles, and a route that does not say who may call it. Warns of an event that nobody consumes and that is not marked external.',
    'Ends with 1 when there is an error, with 0 when there are warnings alone.',
  ],
  options: {
    json: { type: 'boolean', about: 'one JSON object: { system, errors, findings: [{ level, rule, message }] }' },
  },
  examples: [
    { line: 'trellis check', about: 'checks the system in system.ts' },
    { line: 'trellis check examples/shop/system.ts --json', about: 'the same for a script' },
  ],
  async run({ values, operands: [file] }) {
    const { system } = await loadSystem(file)
    const { findings, lines, errors } = inspect(system)
    const warnings = findings.length - errors
    if (values.json === true) printJson({ system: system.name, errors, findings })
    else {
      for (const line of lines) print(line)
      const contracts = system.services.reduce((sum, { provides }) => sum + provides.length, 0)
      const size = `${count(system.services.length, 'service')}, ${count(contracts, 'contract')}`
      const verdict =
        findings.length === 0 ? 'nothing to mend' : `${count(errors, 'error')}, ${count(warnings, 'warning')}`
      print(`${system.name}: ${size}, ${verdict}.`)
    }
    return errors > 0 ? EXIT.failure : EXIT.ok
  },
})

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
