import { implement, service } from 'trellis/service'
import { Greeter } from './contract.ts'

export const hello = service('hello', {
  capability: 'greeting',
  owns: ['visit'],
  migrations: [{ name: '001', statements: ({ types }) => [`create table visit (name ${types.text} not null)`] }],
  provides: [
    implement(Greeter, {
      greet: ({ name }, ctx) =>
        ctx.transaction(async tx => {
          await tx.run('insert into visit (name) values (?)', name)
          const visits = await tx.all('select name from visit where name = ?', name)
          return { text: `Hello, ${name}.`, times: visits.length }
        }),
    }),
  ],
})
