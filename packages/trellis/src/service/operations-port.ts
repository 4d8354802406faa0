/** What operators and probes ask of a service's port: liveness, readiness, metrics. Never reachable through the gateway. */
import type { MetricsRegistry } from '../telemetry/index.ts'
import { METRICS_CONTENT_TYPE } from '../telemetry/index.ts'
import type { Exchange, ExchangeHandler } from '../wire/index.ts'
import type { HealthReport } from './health.ts'

/** What the endpoints need. */
export interface OperationsPort {
  readonly metrics: MetricsRegistry
  /** Readiness now. */
  ready(): Promise<HealthReport>
}

const JSON_HEADERS = ['content-type', 'application/json', 'cache-control', 'no-store']

/** Answers `/livez`, `/readyz` and `/metrics`, and gives everything else to `next`. */
export function withOperations(port: OperationsPort, next: ExchangeHandler): ExchangeHandler {
  return exchange => {
    switch (exchange.target) {
      case '/livez':
        return answer(exchange, 200, JSON_HEADERS, '{"healthy":true}')
      case '/readyz':
        // ready() reports what fails; it does not reject.
        port.ready().then(report => answer(exchange, report.healthy ? 200 : 503, JSON_HEADERS, JSON.stringify(report)))
        return
      case '/metrics':
        return answer(exchange, 200, ['content-type', METRICS_CONTENT_TYPE], port.metrics.render())
      default:
        return next(exchange)
    }
  }
}

function answer(exchange: Exchange, status: number, headers: readonly string[], body: string): void {
  if (exchange.method === 'GET' || exchange.method === 'HEAD') exchange.reply(status, headers, body)
  else exchange.reply(405, ['allow', 'GET, HEAD'])
}
