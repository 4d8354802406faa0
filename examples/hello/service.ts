import { implement, service } from 'trellis/service'
import { Greeter } from './contract.ts'

export const hello = service('hello', {
  capability: 'greeting',
  owns: ['visit'],
  migrations: [
    {
      name: '001-visits',
      statements: ({ types }) => [
        `create table visit (name ${types.key} primary key, times ${types.integer} not null)`,
      ],
    },
  ],
  provides: [
    implement(Greeter, {
      async greet({ name }, ctx) {
        const times = await ctx.transaction(async tx => {
          const seen = await tx.get<{ times: number }>('select times from visit where name = ?', name)
          if (seen === undefined) await tx.run('insert into visit (name, times) values (?, 1)', name)
          else await tx.run('update visit set times = times + 1 where name = ?', name)
          return (seen?.times ?? 0) + 1
        })
        return { text: `Hello, ${name}.`, times }
      },
    }),
  ],
})
