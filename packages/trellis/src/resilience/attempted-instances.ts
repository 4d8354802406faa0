import type { Attribute } from '../kernel/context.ts'
import { attribute } from '../kernel/context.ts'

/** Ids of the instances that already failed this call, shared by its attempts: set by `retry`, filled in by transports, read by balancers. */
export const attemptedInstances: Attribute<Set<string>> = attribute('attempted-instances')
