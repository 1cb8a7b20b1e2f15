/** Where a gateway is in its life. Load is no part of it: taking a busy instance away makes the others busier. */
export type Phase = 'starting' | 'ready' | 'draining'
