export type {
  BodyWriter,
  Exchange,
  ExchangeHandler,
  Headers,
  IncomingResponse,
  OutgoingRequest,
  Peer,
} from './exchange.ts'
export { header } from './exchange.ts'
