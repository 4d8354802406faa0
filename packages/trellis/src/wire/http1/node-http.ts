/**
 * `node:http`, asked for by name: an import of it reads all its exports, and those for WebSockets and proxies load undici and HTTP/2 with them. That would be 15 MB and 30 ms
 * of every process, for nothing that is used here.
 */
export const nodeHttp: typeof import('node:http') = process.getBuiltinModule('node:http')
