import { expose } from 'trellis/gateway'
import { system } from 'trellis/system'
import { Greeter } from './contract.ts'
import { hello } from './service.ts'

export default system('hello', {
  services: [hello],
  gateway: { title: 'Hello', routes: [expose(Greeter)] },
})
