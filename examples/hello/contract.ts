import { contract, unary } from 'trellis/contract'
import { z } from 'zod'

export const Greeter = contract('hello.v1.Greeter', {
  greet: unary({
    summary: 'Greets somebody, and says for which time',
    input: z.object({ name: z.string().min(1).max(40) }).meta({ examples: [{ name: 'Ada' }] }),
    output: z.object({ text: z.string(), times: z.int32() }),
    http: 'POST /greetings',
    allow: 'public',
  }),
})
