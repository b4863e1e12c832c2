export {
  createDispatchers,
  type DispatcherOptions,
  type Dispatchers,
  readAuthorities,
  trustedAuthorities,
} from './dispatchers.ts'
export { chooseProxy, type Environment, isLoopback } from './proxy.ts'
export { parseHttpDate, parseRetryAfter } from './retry-after.ts'
